"""Tables of keys in Markdown, for references that are made from the keys and never written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.keys.toml import toml_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.keys.key import Key


def key_table(keys: Mapping[str, Key]) -> Iterator[str]:
    """Yield the lines of a table: a row for each key, with what it takes, its default, its meaning and an example."""
    yield "| key | takes | default | meaning | as in |"
    yield "|---|---|---|---|---|"
    for name, key in keys.items():
        default = "**required**" if key.required else "" if key.default is None else _code(key.default)
        example = _code(key.default if key.example is None else key.example)
        yield f"| `{name}` | {_cell(key.kind.words)} | {default} | {_cell(key.meaning)} | {example} |"
    yield ""


def _code(value: object) -> str:
    return f"`{_cell(toml_text(value))}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
