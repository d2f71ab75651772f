"""Which commit a release was made from: by a tag that names it, or by its files; the files are the proof."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from harness.git import SUBMODULE, GitError
from harness.report.commits import MatchResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.git import Entry, Git
    from harness.sessions.overlay import Tree

_NUMBER = re.compile(
    r"\d+(?:[._]\d+)*(?:[._-]?(?:a|b|c|rc|alpha|beta|pre|dev|post)[._-]?\d*)*$", re.IGNORECASE
)
_BUILD = re.compile(r"\+(?:.*\.)?g([0-9a-f]{7,})$")
"""The local label of a version that names its commit."""
_MOST_COMMITS = 400
"""Commits whose files are held against those of a release that no tag names."""
_ENOUGH = 0.5
"""Share of a release's Python files that a commit must have to be taken for it."""


class UnmatchedError(Exception):
    """A release is not found in the repository; carries why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Match:
    """The commit of a release.

    Attributes:
        places: {top-level name of the package: its path in the repository}.
        result: What a report says of it.
    """

    places: Mapping[str, str]
    result: MatchResult


@dataclass(frozen=True, slots=True)
class _Held:
    """How much of a release a commit holds."""

    commit: str
    tag: str
    places: Mapping[str, str]
    alike: int
    differing: list[str]
    generated: list[str] = field(repr=False)

    @property
    def whole(self) -> bool:
        return bool(self.alike) and not self.differing


def match(git: Git, version: str, tree: Tree, uploaded: str | None) -> Match:
    """Return the commit that a release was made from.

    Args:
        git: The repository.
        version: Of the release.
        tree: Its files.
        uploaded: ISO time; None if it is not known.

    Raises:
        UnmatchedError: No commit holds its files.
        GitError: git failed.
    """
    objects = _objects(git, tree)
    tagged = [_held(git, commit, tag, objects) for tag, commit in _named(git, version)]
    best = max(tagged, key=lambda one: one.alike, default=None)
    moved = ""
    enough = _ENOUGH * sum(name.endswith(".py") for name in tree)
    if best is None or not best.whole:
        found = _by_files(git, objects, uploaded, at_least=max(enough, best.alike + 1 if best else 1))
        if found is not None:
            moved, best = (best.tag if best else ""), found
    if best is None or best.alike < enough:
        raise UnmatchedError(_why(git, version, best, len(tree)))
    result = MatchResult(
        version, best.commit, best.tag, len(tree), best.differing, best.generated, moved_tag=moved
    )
    return Match(best.places, result)


def _why(git: Git, version: str, best: _Held | None, files: int) -> str:
    shallow = git("rev-parse", "--is-shallow-repository").strip() == "true"
    hint = "; the clone is shallow: `git fetch --unshallow --tags` brings the rest" if shallow else ""
    inner = (
        [path for path, entry in git.files(best.commit).items() if entry.mode == SUBMODULE] if best else []
    )
    if inner:
        hint = f"; its submodule {inner[0]} is a repository of its own: name a clone of that one"
    if best is None or not best.tag:
        return f"{git.source} has no tag for {version}, and none of its commits holds its files{hint}"
    return (
        f"the tag {best.tag} of {git.source} holds {best.alike} of the {files} files of {version}: it was moved, or the "
        f"release was made from elsewhere{hint}"
    )


def _named(git: Git, version: str) -> list[tuple[str, str]]:
    """Return (tag, commit) of the tags that name a version; of a build that names its commit, that one."""
    if build := _BUILD.search(version):
        try:
            return [("", git("rev-parse", "--verify", "--quiet", f"{build[1]}^{{commit}}").strip())]
        except GitError:
            return []
    found = []
    fields = "%(refname:short)%00%(objectname)%00%(*objectname)"
    for row in git("for-each-ref", "refs/tags", f"--format={fields}").splitlines():
        tag, own, commit = row.split("\0")
        number = _NUMBER.search(tag)
        try:
            same = number is not None and Version(number[0].replace("_", ".")) == Version(version)
        except InvalidVersion:
            continue
        if same:
            found.append((tag, commit or own))
    return found


def _objects(git: Git, tree: Tree) -> dict[str, str]:
    """Return {file: the name that this repository's git gives to its content}."""
    sha256 = (
        len(git("hash-object", "--stdin").strip()) == 64
    )  # of nothing: it tells which hash the repository has
    digest = hashlib.sha256 if sha256 else hashlib.sha1
    return {name: digest(b"blob %d\0" % len(content) + content).hexdigest() for name, content in tree.items()}


def _by_files(git: Git, objects: Mapping[str, str], uploaded: str | None, *, at_least: float) -> _Held | None:
    """Return a commit that has all files of a release which any commit has; those just before its upload come first.

    Args:
        git: The repository.
        objects: {file of the release: git's name of its content}.
        uploaded: ISO time; None if it is not known.
        at_least: Files that the commit must have as the release has them.
    """
    log = ("log", "--all", "--date-order", "--format=%H", f"--max-count={_MOST_COMMITS}")
    recent = git(*log, *([f"--until={uploaded}"] if uploaded else [])).split()
    if uploaded:  # where the history was written anew since, its commits are younger than the release
        recent += git(*log, f"--since={uploaded}").split()[::-1]
    for commit in recent:
        held = _held(git, commit, "", objects)
        if held.whole and held.alike >= at_least:
            return held
    return None


def _held(git: Git, commit: str, tag: str, objects: Mapping[str, str]) -> _Held:
    there = git.files(commit)
    places = _places(there, objects)
    alike, differing, generated = 0, [], []
    for name, own in sorted(objects.items()):
        top, slash, rest = name.partition("/")
        entry = there.get(f"{places[top]}{slash}{rest}") if top in places else None
        if entry is None:
            generated.append(name)
        elif entry.object == own:
            alike += 1
        else:
            differing.append(name)
    return _Held(commit, tag, places, alike, differing, generated)


def _places(there: Mapping[str, Entry], names: Iterable[str]) -> dict[str, str]:
    """Return {top-level name: path in the repository}: where most of its files lie, the shortest path of several."""
    by_end: dict[str, list[str]] = {}
    for path in there:
        by_end.setdefault(path.rpartition("/")[2], []).append(path)
    votes: dict[str, Counter[str]] = {}
    for name in names:
        top = name.partition("/")[0]
        for path in by_end.get(name.rpartition("/")[2], ()):
            if path == name or path.endswith(f"/{name}"):
                votes.setdefault(top, Counter())[path[: len(path) - len(name)] + top] += 1
    return {top: min(count, key=lambda place: (-count[place], len(place))) for top, count in votes.items()}
