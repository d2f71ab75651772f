"""The commits between two others: from the older one back to where both meet, and from there to the newer one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.git import GitError
from harness.report.commits import CommitResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.git import Git

_FORMAT = "%x1e%H%x1f%P%x1f%aI%x1f%s%x1f%b"
_PULL_REQUEST = (
    re.compile(r"\(#(\d+)\)\s*$", re.MULTILINE),
    re.compile(r"^Merge pull request #(\d+)\b", re.MULTILINE),
    re.compile(r"/(?:pull|pulls|merge_requests)/(\d+)\b"),
    re.compile(r"^(?:PR|Pull[- ]Request)(?:-URL)?:\s*#?(\d+)\b", re.MULTILINE | re.IGNORECASE),
    re.compile(r"^See merge request \S*!(\d+)", re.MULTILINE),
)
_PICKED = re.compile(r"\(cherry picked from commit ([0-9a-f]{7,})\)")


class NoHistoryError(Exception):
    """The history between two commits cannot be read; carries why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit.

    Attributes:
        parents: The first one is the line that it was committed to.
        date: Author date, ISO 8601.
    """

    name: str
    parents: tuple[str, ...]
    date: str
    subject: str
    body: str

    def pull_request(self) -> int | None:
        """Return the number of the pull request that its message names."""
        text = f"{self.subject}\n{self.body}"
        found = next(filter(None, (pattern.search(text) for pattern in _PULL_REQUEST)), None)
        return int(found[1]) if found else None

    def result(self, web: str) -> CommitResult:
        """Return what a report says of it.

        Args:
            web: Address of the repository's pages; empty if there are none.
        """
        number = self.pull_request()
        gitlab = "gitlab" in web
        request = f"{web}/-/merge_requests/{number}" if gitlab else f"{web}/pull/{number}"
        own = f"{web}/-/commit/{self.name}" if gitlab else f"{web}/commit/{self.name}"
        link = (request if number else own) if web else ""
        return CommitResult(self.name, self.date, self.subject, number, link)


@dataclass(frozen=True, slots=True)
class Way:
    """The way from the older of two commits to the newer one.

    Attributes:
        down: From the older commit to above the base, each the parent of the one before it; none where the newer one
            grew out of the older one.
        base: Where the way turns.
        up: From above the base to the newer commit, each on top of the one before it.
    """

    down: Sequence[Commit]
    base: Commit
    up: Sequence[Commit]


def way(git: Git, older: str, newer: str) -> Way:
    """Return the way between two commits, by first parents.

    Raises:
        NoHistoryError: They have no common history here.
    """
    try:
        meeting = git("merge-base", older, newer).split()[0]
    except GitError:
        shallow = git("rev-parse", "--is-shallow-repository").strip() == "true"
        why = (
            "the clone is shallow: `git fetch --unshallow` brings the rest"
            if shallow
            else "one of them was replaced by a force-push"
        )
        raise NoHistoryError(
            f"{older[:10]} and {newer[:10]} have no common history in {git.source}; {why}"
        ) from None
    up = first_parents(git, meeting, newer)
    base = up[0].parents[0] if up and up[0].parents else meeting
    return Way(first_parents(git, base, older)[::-1], commit(git, base), up)


def first_parents(git: Git, base: str, tip: str) -> list[Commit]:
    """Return the commits from above a base to a tip by first parents, the oldest first."""
    return _read(git("log", "--first-parent", "--reverse", f"--format={_FORMAT}", f"{base}..{tip}"))


def commit(git: Git, name: str) -> Commit:
    """Return one commit."""
    return _read(git("show", "--no-patch", f"--format={_FORMAT}", name))[0]


def _read(text: str) -> list[Commit]:
    found = []
    for row in text.split("\x1e")[1:]:
        name, parents, date, subject, body = row.rstrip("\n").split("\x1f")
        found.append(Commit(name, tuple(parents.split()), date, subject, body))
    return found


def same_change(git: Git, one: Commit, others: Sequence[Commit]) -> Commit | None:
    """Return the commit among others that makes the same change under another name.

    That is the one from which it was picked or the reverse, as a message says, or the one whose patch is the same.
    """
    for other in others:
        picked = [_PICKED.search(each.body) for each in (one, other)]
        for each, found in zip((other, one), picked, strict=True):
            if found and each.name.startswith(found[1]):
                return other
    wanted = _patches(git, [one]).get(one.name)
    patches = _patches(git, others)
    return next((other for other in others if wanted and patches.get(other.name) == wanted), None)


def _patches(git: Git, commits: Sequence[Commit]) -> dict[str, str]:
    """Return {commit: patch id} of those that are no merges and change something."""
    names = [each.name for each in commits if len(each.parents) == 1]
    if not names:
        return {}
    log = git.run("show", "--patch", "--no-ext-diff", "--no-textconv", *names)
    rows = git.run("patch-id", "--stable", given=log).decode().splitlines()
    return {name: patch for patch, name in (row.split(" ") for row in rows)}
