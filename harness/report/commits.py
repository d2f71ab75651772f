"""Which commit between two releases does it: facts of `descend`, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from harness.report.attribution import LineResult
from harness.report.text import one_line

_MOST_NAMED = 3
_SHORT = 10


class CommitStatus(StrEnum):
    """What the search for a commit came to."""

    FOUND = "found"
    BETWEEN = "between"
    NO_REPOSITORY = "no-repository"
    UNMATCHED = "unmatched"
    NO_HISTORY = "no-history"
    OTHER_END = "other-end"
    DEPENDENCY = "dependency"
    UNFINISHED = "unfinished"


class Place(StrEnum):
    """Where in the history the commit lies."""

    RANGE = "range"
    RELEASE_BRANCH = "release-branch"
    MERGED = "merged"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class CommitResult:
    """One commit.

    Attributes:
        commit: Its whole name.
        date: Author date, ISO 8601.
        subject: First line of its message.
        pull_request: Number that its subject or a trailer names; None without one.
        link: Of its pull request, or else of the commit, on the repository's forge; empty if that is not known.
    """

    commit: str
    date: str
    subject: str
    pull_request: int | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class MatchResult:
    """The commit that a release was made from, and the proof by its files.

    Attributes:
        release: Version.
        commit: Its whole name.
        tag: That names the release; empty where the commit was found by its files.
        files: Of the package, in the release.
        differing: Those that the commit has otherwise.
        generated: Those that the commit has not: its build makes them.
        moved_tag: A tag that names the release and does not hold its files; empty without one.
    """

    release: str
    commit: str
    tag: str
    files: int
    differing: list[str] = field(default_factory=list)
    generated: list[str] = field(default_factory=list)
    moved_tag: str = ""


@dataclass(frozen=True, slots=True)
class SkippedCommit:
    """A commit without a verdict, and why."""

    commit: str
    reason: str


@dataclass(frozen=True, slots=True)
class CommitAnswer:
    """What opening a boundary between two releases into commits found.

    Attributes:
        status: Whether there is an answer, and if not, what is in the way.
        detail: What is in the way, in the words of git or of the search; empty where there is an answer.
        source: The repository.
        environment: The release whose environment all commits were executed in, and whose metadata they have.
        older, newer: The commits that both releases were made from; None where there is none.
        moved: Dependencies that differ between both releases; they were the same in all executions.
        commits: Between both, on the first-parent path.
        touching: Those that change the package's files: only they were executed, or stand for others.
        place: Where the culprit lies.
        culprit: The commit that does it; None where it is not known.
        parent: The commit before it, which does not do it.
        within: The merge that brought the culprit; None if it lies on the path itself.
        picked_as: Name of the same change under another hash, on the other branch; empty without one.
        missing: The culprit is a commit that the bad release lacks: it cures, and does not break.
        candidates: Commits that cannot be told apart, since those between could not be tested.
        skipped: Commits that were executed and have no verdict.
        patch: Name of a patch for every commit; empty without one.
        patched: To how many of the executed commits it was applied; to the others it does not apply.
        confirmed: Both sides were executed again in clean processes and said the same.
        lines: Lines that set the property of the cause, in the parent (`before`) and in the commit (`after`).
        files: That the commit changes, in the package.
        executions: Of commits, the repeated ones included.
        seconds: All together.
    """

    status: CommitStatus
    detail: str = ""
    source: str = ""
    environment: str = ""
    older: MatchResult | None = None
    newer: MatchResult | None = None
    moved: list[str] = field(default_factory=list)
    commits: int = 0
    touching: int = 0
    place: Place = Place.RANGE
    culprit: CommitResult | None = None
    parent: CommitResult | None = None
    within: CommitResult | None = None
    picked_as: str = ""
    missing: bool = False
    candidates: list[CommitResult] = field(default_factory=list)
    skipped: list[SkippedCommit] = field(default_factory=list)
    patch: str = ""
    patched: int = 0
    confirmed: bool = False
    lines: list[LineResult] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    executions: int = 0
    seconds: float = 0.0


def short(commit: str) -> str:
    """Return a commit's name as a person writes it."""
    return commit[:_SHORT]


def named(commit: CommitResult) -> str:
    """Return a commit in one line: name, date, subject."""
    return f"{short(commit.commit)} of {commit.date[:10]}, {one_line(commit.subject, 120)}"


def headline(answer: CommitAnswer) -> str:
    """Return which commit does it, in one sentence; empty where that is not known."""
    if answer.status == CommitStatus.BETWEEN:
        return f"one of {len(answer.candidates)} commits does it: the commits between could not be tested"
    if answer.culprit is None:
        return ""
    sure = "confirmed" if answer.confirmed else "not confirmed"
    does = "cures it, and the bad release lacks it" if answer.missing else "does it"
    return f"commit {named(answer.culprit)}, {does} ({sure})"


def sentences(answer: CommitAnswer) -> list[str]:
    """Return what the answer proves, a sentence each; what is in the way where there is none."""
    return [*filter(None, [headline(answer)]), *further(answer)]


def further(answer: CommitAnswer) -> list[str]:
    """Return what is known besides the commit, or what is in the way, a sentence each."""
    said = []
    if answer.culprit and answer.within:
        said.append(f"it came in by the merge {named(answer.within)}")
    if answer.culprit and answer.place == Place.MERGE:
        said.append("it is a merge, and what it merges does not do it alone: both sides together do")
    if answer.culprit and answer.place == Place.RELEASE_BRANCH:
        said.append(
            "it lies on a release branch, and not on the path from the merge base to the newer release"
        )
    if answer.picked_as:
        said.append(f"the same change is {short(answer.picked_as)} on the other branch")
    if answer.commits:
        said.append(
            f"{answer.commits} commits lie between; {answer.touching} of them change the package's files, and only "
            "those are executed"
        )
    said += [_matched(one) for one in (answer.older, answer.newer) if one and (one.differing or not one.tag)]
    if answer.patch:
        count = (
            f"{answer.patched} of the executed commits" if answer.patched else "none of the executed commits"
        )
        said.append(f"the patch {one_line(answer.patch, 120)} applies to {count}")
    if answer.skipped:
        first = answer.skipped[0]
        said.append(
            f"{len(answer.skipped)} executed commits have no verdict, as {short(first.commit)}: "
            f"{one_line(first.reason, 200)}"
        )
    if answer.moved and answer.status in {CommitStatus.FOUND, CommitStatus.BETWEEN}:
        said.append(
            f"{_several(answer.moved)} {'differ' if len(answer.moved) > 1 else 'differs'} between the releases too, "
            f"and not in these executions: all have the dependencies of {answer.environment}"
        )
    if why := _WHY_NOT.get(answer.status):
        detail = f": {one_line(answer.detail, 400)}" if answer.detail else ""
        said.append(f"{why}{detail}")
    return said


_WHY_NOT = {
    CommitStatus.NO_REPOSITORY: "no commit was sought",
    CommitStatus.UNMATCHED: "no commit was sought, since a release is not found in the repository",
    CommitStatus.NO_HISTORY: "no commit was sought",
    CommitStatus.OTHER_END: "no commit is named, since the files of the repository do not end as the releases do",
    CommitStatus.DEPENDENCY: "no commit does it: the dependencies that differ between both releases do",
    CommitStatus.UNFINISHED: "no commit is named, since the search came to no boundary",
}


def _matched(match: MatchResult) -> str:
    if match.differing:
        what = f"differs in {len(match.differing)} of {match.files} files ({_several(match.differing)})"
        return f"{match.tag or short(match.commit)} {what} from the release {match.release}"
    moved = f"the tag {match.moved_tag} does not hold its files" if match.moved_tag else "no tag names it"
    return f"the release {match.release} is taken for {short(match.commit)}, which has its files: {moved}"


def _several(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(one_line(name, 120) for name in names[:_MOST_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
