"""What hunks have to do with each other by the names that they define and use."""

from __future__ import annotations

import ast
import re
from textwrap import dedent
from typing import TYPE_CHECKING

from harness.search.ties import Tie
from harness.sessions.functions import functions_in

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.descent.hunks import Hunk

_NAMES = re.compile(r"[A-Za-z_]\w{2,}")
_EVERYWHERE = frozenset(
    {"self", "cls", "None", "True", "False", "return", "def", "class", "import", "from", "not"}
)
_DEFINED = r"\b(?:def|class)\s+{0}\b|\b(?:self|cls)\.{0}\s*(?::|=(?!=))|^{0}\s*(?::|=(?!=))"
_WORDS = re.compile(r"[A-Za-z_]\w*")
_CALLED = re.compile(r"([A-Za-z_][\w.]*)\(\)")
_THERE = re.compile(
    r"'[\w.]+' (?:object )?has no|\bfrom (?:partially initialized module )?'[\w.]+'|'[\w.]+' is not a package|Did you mean.*"
)
"""What a message quotes beside the name that is lacking: what should have it, and what is there instead."""
_QUOTED = re.compile(r"'([A-Za-z_][\w.]*)'")
_DEFINES = r"\b(?:def|class)\s+{0}\b|\b(?:self|cls)\.{0}\s*:|^\s*{0}\s*[:,]|\bimport\b.*\b{0}\b|\b{0}\s*=(?!=)|[(,]\s*{0}\b"


def learnt(message: str, changes: Sequence[Hunk], applied: Collection[int]) -> list[Tie]:
    """Return what an error shows: hunks that use a name go together with those that define it.

    Args:
        message: Of a NameError, ImportError, AttributeError or TypeError; it quotes the name.
        changes: All hunks.
        applied: Those that the failed mixture has.
    """
    ties = []
    for quoted in dict.fromkeys(_QUOTED.findall(_THERE.sub(" ", message))):
        name = re.escape(quoted.rpartition(".")[2])
        defines, uses = re.compile(_DEFINES.format(name), re.MULTILINE), re.compile(rf"\b{name}\b")
        files = {number for number, one in enumerate(changes) if one.whole and one.module() == name}
        brings = {number for number, one in enumerate(changes) if _only(defines, one.after, one.before)}
        brings |= {number for number in files if changes[number].after and not changes[number].before}
        takes = {number for number, one in enumerate(changes) if _only(defines, one.before, one.after)}
        takes |= {number for number in files if changes[number].before and not changes[number].after}
        wants = {number for number, one in enumerate(changes) if _only(uses, one.after, one.before)}
        keeps = {number for number, one in enumerate(changes) if _only(uses, one.before, one.after)}
        for bound, needed in (
            (wants.intersection(applied), brings.difference(applied)),
            (takes.intersection(applied), keeps.difference(applied)),
        ):
            if bound and needed - bound:
                ties.append(Tie(frozenset(bound), frozenset(needed - bound), message[:200]))
    return ties


def quoted(message: str) -> list[str]:
    """Return the names that a message quotes, the last part of a dotted one."""
    return sorted({name.rpartition(".")[2] for name in _QUOTED.findall(message)} - {""})


def called(message: str) -> set[str]:
    """Return the functions that a message names, as `Client.__init__()`."""
    return set(_CALLED.findall(message))


def words(lines: Sequence[str]) -> set[str]:
    """Return the identifiers in some lines."""
    return set(_WORDS.findall("".join(lines)))


def scope(content: bytes, line: int) -> str:
    """Return the function that a line of a file is in, with the classes around it; empty outside of any."""
    inside = (one.name for one in functions_in(content) if one.line <= line <= one.last)
    return next(inside, "").replace(".<locals>", "")


def outside_imports(change: Hunk, tops: Collection[str]) -> bool:
    """Tell whether a hunk exchanges nothing but imports from outside the package, which can stand side by side.

    An import of all names hides others, and one from `__future__` changes its file and must come first: these cannot.

    Args:
        change: The hunk.
        tops: Top-level names of the package.
    """
    if change.whole:
        return False
    bound: list[dict[str, str]] = []
    for side in (change.before, change.after):
        try:
            statements = ast.parse(dedent("".join(side))).body
        except (SyntaxError, ValueError):
            return False
        bound.append({})
        for statement in statements:
            if isinstance(statement, ast.ImportFrom) and not statement.level and statement.module:
                modules = {
                    alias.asname or alias.name: f"{statement.module}:{alias.name}"
                    for alias in statement.names
                }
            elif isinstance(statement, ast.Import):
                modules = {alias.asname or alias.name: alias.name for alias in statement.names}
            else:
                return False
            bound[-1] |= modules
    names = [name for side in bound for name in side.values()]
    alone = any(re.split(r"[.:]", name)[0] in {*tops, "__future__"} or name.endswith(":*") for name in names)
    clash = any(bound[0][name] != bound[1][name] for name in bound[0].keys() & bound[1].keys())
    return bool(names) and not alone and not clash


def defines_for(changes: Sequence[Hunk], user: int, *, older_is_bad: bool) -> list[int]:
    """Return the hunks by which the bad side defines a name that another hunk's lines use.

    Args:
        changes: All hunks.
        user: Number of the hunk that uses names.
        older_is_bad: Whether the older tree is the bad one.
    """
    names = set(_NAMES.findall("".join((*changes[user].before, *changes[user].after)))) - _EVERYWHERE
    patterns = [re.compile(_DEFINED.format(re.escape(name)), re.MULTILINE) for name in sorted(names)]
    found = []
    for number, change in enumerate(changes):
        bad, good = (change.before, change.after) if older_is_bad else (change.after, change.before)
        if number != user and any(_only(pattern, bad, good) for pattern in patterns):
            found.append(number)
    return found


def _only(pattern: re.Pattern[str], here: Sequence[str], there: Sequence[str]) -> bool:
    """Tell whether a pattern is found in some lines and not in others."""
    return bool(pattern.search("".join(here))) and not pattern.search("".join(there))
