"""A script of the user's: what it needs (PEP 723), and what decides what it does (itself and what it imports)."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""As PEP 723 gives it."""


def script_of(command: Sequence[str], folder: Path) -> Path | None:
    """Return the script that a command hands to Python, or None if it is another kind of command.

    Raises:
        UsageError: There is no such file.
    """
    if len(command) < 2 or not _PYTHON.fullmatch(command[0]) or command[1].startswith("-"):
        return None
    script = folder / command[1]
    if not script.is_file():
        raise UsageError(f"{command[1]}: there is no such file in {folder}")
    return script.resolve()


def command_digest(command: Sequence[str], script: Path | None) -> str:
    """Return a digest of a command, its script, and the modules beside the script that it imports."""
    digest = hashlib.sha256(json.dumps(list(command)).encode())
    for path in sources(script) if script else ():
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def sources(script: Path) -> list[Path]:
    """Return the script and, transitively, the modules of its folder that it imports."""
    found, left = [script], [script]
    while left:
        for name in sorted(_imports(left.pop())):
            for path in (script.parent / f"{name}.py", *sorted((script.parent / name).rglob("*.py"))):
                if path.is_file() and path not in found:
                    found.append(path)
                    left.append(path)
    return found


def _imports(path: Path) -> set[str]:
    """Return the top-level names that a file imports; none if it cannot be parsed, which the probe will tell."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {(node.module or "").split(".")[0], *(alias.name for alias in node.names if node.level)}
    return names - {""}


def script_metadata(script: Path) -> tuple[list[str], str | None]:
    """Return `dependencies` and `requires-python` of a script's PEP 723 block.

    Raises:
        UsageError: There are several blocks, or the block is wrong.
    """
    text = script.read_text(encoding="utf-8", errors="replace")
    blocks = [match for match in _BLOCK.finditer(text) if match["type"] == "script"]
    if len(blocks) > 1:
        raise UsageError(f"{script}: several '# /// script' blocks, PEP 723 allows one")
    if not blocks:
        return [], None
    lines = blocks[0]["content"].splitlines(keepends=True)
    try:
        content = tomllib.loads("".join(line[2:] if line.startswith("# ") else line[1:] for line in lines))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{script}: the '# /// script' block is not valid TOML: {error}") from None
    dependencies, python = content.get("dependencies", []), content.get("requires-python")
    if not isinstance(dependencies, list) or not isinstance(python, str | None):
        raise UsageError(f"{script}: dependencies must be a list, requires-python a text (PEP 723)")
    return check_requirements(dependencies, f"{script}: dependencies"), python


def check_requirements(texts: Iterable[Any], where: str) -> list[str]:
    """Return requirements as they are.

    Raises:
        UsageError: One is none; `where` tells where it stands.
    """
    found = []
    for text in texts:
        try:
            found.append(str(Requirement(text)))
        except (InvalidRequirement, TypeError):
            raise UsageError(f'{where} {text!r}: expected a requirement such as "torch==2.13.0"') from None
    return found
