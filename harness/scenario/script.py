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


def is_pytest(command: Sequence[str]) -> bool:
    """Tell whether a command runs pytest."""
    if len(command) > 2 and _PYTHON.fullmatch(command[0]):
        return list(command[1:3]) == ["-m", "pytest"]
    return bool(command) and command[0] == "pytest"


def command_digest(command: Sequence[str], script: Path | None, folder: Path) -> str:
    """Return a digest of a command and of the files that decide what it does, as far as they can be known."""
    digest = hashlib.sha256(json.dumps(list(command)).encode())
    for path in command_sources(command, script, folder):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def command_sources(command: Sequence[str], script: Path | None, folder: Path) -> list[Path]:
    """Return the files of a command: a script and the modules beside it that it imports, or the files of its tests."""
    if script:
        return sources(script)
    return _test_files(command, folder) if is_pytest(command) else []


def _test_files(command: Sequence[str], folder: Path) -> list[Path]:
    """Return the files below the paths that pytest is given, what they import, and pytest's settings."""
    named = [
        path for word in command if (path := folder / word.partition("::")[0]) != folder and path.exists()
    ]
    found: set[Path] = set()
    for path in named or [folder]:
        if path.is_file():
            found |= set(sources(path.resolve()))
            found |= {
                one / "conftest.py" for one in path.resolve().parents if one.is_relative_to(folder.resolve())
            }
        else:
            found |= {
                one
                for one in path.resolve().rglob("*")
                if not _HIDDEN.search(str(one.relative_to(path.resolve())))
            }
    found |= {folder.resolve() / name for name in _TEST_SETTINGS}
    return sorted(path for path in found if path.is_file())


_HIDDEN = re.compile(r"(^|/)(\.|__pycache__|reports/)")
_TEST_SETTINGS = ("conftest.py", "pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


def sources(script: Path, folder: Path | None = None) -> list[Path]:
    """Return the script and, transitively, the modules of a folder that it imports; by default of its own."""
    folder = folder or script.parent
    found, left = [script], [script]
    while left:
        for name in sorted(_imports(left.pop())):
            for path in (folder / f"{name}.py", *sorted((folder / name).rglob("*.py"))):
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


def without_block(text: str) -> str:
    """Return a script's text without its PEP 723 block."""
    return _BLOCK.sub("", text).lstrip("\n")


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
