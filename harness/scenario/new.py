"""A new scenario: a folder that runs as it is, written once, with a comment at each key."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.files import whole_folder, write_atomic
from harness.keys import toml_text
from harness.scenario.command import merge_pins
from harness.scenario.keys import SCENARIO
from harness.scenario.rules import complaints
from harness.scenario.schema import FILE, schema_text
from harness.scenario.script import script_metadata, script_of, sources
from harness.verdicts.oracles import options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SHOWN = ("from", "to", "pins", "python", "timeout")
"""Keys that are written, with a `#` before them where nothing is said."""
_MODULES = {"scikit-learn": "sklearn", "pillow": "PIL", "opencv-python": "cv2", "pyyaml": "yaml"}
"""Packages that training scripts use and that are imported by another name."""
_STACK = ("torch==2.13.0", "transformers==4.57.6", "accelerate==1.15.0")
_LORA = {
    "description": "A tiny Llama learns eight sentences by heart, with LoRA",
    "from": "0.3.0",
    "python": ">=3.10",
    "parameters": {"steps": 40},
    "arms": {"float32": {"dtype": "float32"}, "bfloat16": {"dtype": "bfloat16"}},
    "oracle": {"kind": "training", "loss_below": 1.0, "loss_window": 5},
}
_PLAIN = {
    "parameters": {"steps": 50},
    "arms": {"slow": {"lr": 0.1}, "fast": {"lr": 0.5}},
    "oracle": {"kind": "training", "loss_below": 0.01, "loss_window": 5},
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new scenario is to ask.

    Attributes:
        package: Package under test.
        first: Oldest release of its range; None for what the template has.
        last: Newest release.
        pins: What every environment holds, in place of the template's pins of the same packages.
    """

    package: str
    first: str | None = None
    last: str | None = None
    pins: Sequence[str] = ()

    def content(self, said: Mapping[str, Any], pins: Sequence[str]) -> dict[str, Any]:
        """Return what scenario.toml is to say: a template's words, with what is wished for in their place."""
        ends = {name: end for name, end in (("from", self.first), ("to", self.last)) if end}
        package = canonicalize_name(self.package)
        return {**said, "package": package, **ends, "pins": list(merge_pins(pins, self.pins))}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new scenario says.

    Attributes:
        content: Of scenario.toml, as `tomllib` would return it.
        files: The job's script and what it imports, by name.
    """

    content: Mapping[str, Any]
    files: Mapping[str, str | bytes]


def draft(wish: Wish) -> Draft:
    """Return a scenario for a package: LoRA on a tiny Llama for PEFT, for any other package a job in plain Python."""
    package = canonicalize_name(wish.package)
    if package == "peft":
        job = (_TEMPLATES / "lora.py").read_text(encoding="utf-8")
        return Draft(wish.content(_LORA, _STACK), {"job.py": job})
    job = (_TEMPLATES / "plain.py").read_text(encoding="utf-8")
    module = _MODULES.get(package, package.replace("-", "_"))
    said = {"description": f"Training with {package}", **_PLAIN}
    return Draft(wish.content(said, ()), {"job.py": job.replace("PACKAGE", module)})


def draft_of_script(command: Sequence[str], wish: Wish) -> Draft:
    """Return a scenario that runs a script as it is, judged by its exit status.

    Args:
        command: `python`, the script, and its arguments; a PEP 723 block of the script says what it needs.
        wish: What the scenario is to ask.

    Raises:
        UsageError: The command runs no script of Python's, or the script is missing or wrong.
    """
    script = script_of(command, Path.cwd())
    if script is None:
        raise UsageError(
            f"{shlex.join(command)}: expected python FILE.py, which can be copied into the scenario's folder"
        )
    pins, python = script_metadata(script)
    said = {
        "description": f"{script.name} ends with exit status 0",
        **({"python": python} if python else {}),
        "command": ["python", script.name, *command[2:]],
        "arms": {"check": {}},
        "oracle": {"kind": "exit-status"},
    }
    files = {path.relative_to(script.parent).as_posix(): path.read_bytes() for path in sources(script)}
    return Draft(wish.content(said, pins), files)


def write_scenario(name: str, folder: Path, made: Draft) -> list[Path]:
    """Write a scenario into `folder`/`name`, and the schema for editors into `folder`; nothing is overwritten.

    Returns:
        What was written.

    Raises:
        UsageError: The name is none for a folder, something is there already, or what is wished for is wrong.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r}: expected a name of letters, digits, _, - and dots; --folder says where it goes"
        )
    target = folder / name
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target}: there is something already, and it stays as it is; choose another name")
    with whole_folder(target) as new:
        for file, text in made.files.items():
            write_atomic(new / file, text)
        write_atomic(new / "scenario.toml", _toml(made.content))
        wrong = complaints(made.content, new)
        if wrong:
            raise UsageError("\n".join(complaint.said for complaint in wrong))
    written = [target / "scenario.toml", *(target / file for file in made.files)]
    schema = folder / FILE
    if not schema.exists():
        write_atomic(schema, schema_text())
        written.append(schema)
    return written


def _toml(content: Mapping[str, Any]) -> str:
    return "\n".join(_lines(content)) + "\n"


def _lines(content: Mapping[str, Any]) -> Iterator[str]:
    yield f"#:schema ../{FILE}"
    yield "# All keys: python -m harness validate --reference"
    yield f"description = {toml_text(content['description'])}"
    for name in ("package", *_SHOWN, *(("command",) if "command" in content else ())):
        key = SCENARIO[name]
        given = name in content and content[name] not in (None, [])
        value = content[name] if given else key.default if key.example is None else key.example
        yield ""
        yield f"# {key.meaning}"
        yield f"{'' if given else '# '}{name} = {toml_text(value)}"
    if "parameters" in content:
        yield from _table("parameters", content["parameters"], SCENARIO["parameters"].meaning)
    meaning = SCENARIO["arms"].meaning
    for arm, settings in content["arms"].items():
        yield from _table(f"arms.{arm}", settings, meaning)
        meaning = ""
    yield from _table("oracle", content["oracle"], SCENARIO["oracle"].meaning)


def _table(title: str, settings: Mapping[str, Any], meaning: str) -> Iterator[str]:
    """Yield a table; of the oracle's each setting has its meaning before it."""
    keys = options(settings["kind"]) if title == "oracle" else {}
    yield ""
    if meaning:
        yield f"# {meaning}"
    yield f"[{title}]"
    for name, value in settings.items():
        if name in keys:
            yield f"# {keys[name].meaning}"
        yield f"{name} = {toml_text(value)}"
