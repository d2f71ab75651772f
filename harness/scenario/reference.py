"""The reference of scenario.toml as Markdown, `scenarios/README.md`: made from the keys, never written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.keys import toml_text
from harness.keys.markdown import key_table
from harness.scenario.keys import ALSO, ARM, FIX, SCENARIO
from harness.verdicts.oracles import EXIT_STATUS, KIND, ORACLES

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = """\
# scenario.toml

<!-- Made by `python -m harness validate --reference`; what it says stands in harness/scenario/keys.py and the oracles. -->

A scenario is a folder with a `scenario.toml` and one plain training script. This is all that scenario.toml may say;
`python -m harness validate SCENARIO` checks one and tells what it means, `python -m harness new NAME` writes one.
The least that it must say:

```toml
package = "peft"

[arms.fp16]
dtype = "float16"

[oracle]
kind = "training"
```

With the first line `#:schema ../scenario.schema.json`, the path of [the schema](scenario.schema.json), editors that know
JSON schemas of TOML files (Even Better TOML, taplo) complete keys and mark mistakes. It is written again by
`python -m harness validate --schema > scenarios/scenario.schema.json`, and this text by
`python -m harness validate --reference > scenarios/README.md`.
"""
_ARMS = """\
An arm is a named set of settings, and the question is answered for each of them. Every key but these is a setting of
the job; it takes the place of the one in `[parameters]`, and the job gets it as `--name value`. Seed, device and threads
are handed over as `--seed`, `--device` and `--threads`.
"""
_FIXES = "A remedy that `--fixes` tries; it has either `set` or `release`.\n"
_ANY = """\
Of a plain script, or where there is a `command`, how it ends is judged first. These go with every oracle:
"""


def reference() -> str:
    """Return the whole reference."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    yield _START
    yield "## Keys\n"
    yield from key_table(SCENARIO)
    yield "## `also`\n"
    yield "A second package: the two ranges span a grid, and the answer names one package, or the pair.\n"
    yield from key_table(ALSO)
    yield "## `[arms.NAME]`\n"
    yield _ARMS
    yield from key_table(ARM)
    yield "## `[oracle]`\n"
    yield from key_table({"kind": KIND})
    for kind, oracle in ORACLES.items():
        yield f"### `kind = {toml_text(kind)}`\n"
        yield f"{oracle.meaning[0].upper()}{oracle.meaning[1:]}.\n"
        if oracle.options:
            yield from key_table(oracle.options)
    yield "### How a script ends\n"
    yield _ANY
    yield from key_table(EXIT_STATUS)
    yield "## `[fixes.NAME]`\n"
    yield _FIXES
    yield from key_table(FIX)
