"""The head of a script that stands alone: what it needs (PEP 723), and what it shows."""

from __future__ import annotations

import ast
import json
import shlex
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.repro.edits import Edit, Source
from harness.scenario.script import without_block

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands on top of a script.

    Attributes:
        dependencies: Requirements, the package under test not among them.
        python: As 3.11.
        said: What it shows, in a sentence.
        commands: {version: the command line that executes the script with it}.
    """

    dependencies: Sequence[str]
    python: str
    said: str
    commands: Mapping[str, Sequence[str]]


def with_head(text: str, head: Head) -> str:
    """Return a script with a head in place of its own block and docstring."""
    text = without_block(text)
    source = Source(text)
    first = source.tree.body[0] if source.tree.body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        text = source.edited([Edit(0, source.whole_lines([first])[1])])
    needs = [f"#     {json.dumps(one)}," for one in head.dependencies]
    block = [
        "# /// script",
        f'# requires-python = "=={head.python}.*"',
        "# dependencies = [",
        *needs,
        "# ]",
        "# ///",
    ]
    told = textwrap.fill(head.said.replace("\\", "/").replace('"""', "'''"), 100)
    shown = "\n".join(f"    {shlex.join(command)}" for command in head.commands.values())
    return "\n".join(block) + f'\n"""{told}\n\n{shown}\n"""\n\n' + text.lstrip("\n")


def dependencies_of(
    text: str,
    pins: Iterable[str],
    locks: Sequence[Mapping[str, str]],
    package: str,
    *,
    all_pinned: bool = False,
) -> list[str]:
    """Return what a script needs besides the package under test, pinned as both sides had it.

    Args:
        text: The script.
        pins: What the question pins.
        locks: {name: version} of each side's lock.
        package: Name of the package under test.
        all_pinned: Pin every package that is the same on both sides, not only those that are named.
    """
    same = {name: version for name, version in locks[0].items() if locks[1].get(name) == version}
    named = {str(canonicalize_name(Requirement(pin).name)): pin for pin in pins}
    found = {
        name: f"{Requirement(pin).name}{_extras(pin)}=={_public(same[name])}" if name in same else pin
        for name, pin in named.items()
        if name != package
    }
    imported = {str(canonicalize_name(one)) for one in _imports(text)}
    for name, version in same.items():
        if name != package and name not in found and (all_pinned or name in imported):
            found[name] = f"{name}=={_public(version)}"
    return sorted(found.values())


def _extras(pin: str) -> str:
    extras = sorted(Requirement(pin).extras)
    return f"[{','.join(extras)}]" if extras else ""


def _public(version: str) -> str:
    """Return a version without its local part, which no index lists."""
    return version.partition("+")[0]


def _imports(text: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    return names
