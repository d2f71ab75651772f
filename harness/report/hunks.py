"""Which hunks between two releases do it: facts of `descend`, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.report.text import clean, one_line
from harness.words import counted

_MOST_LINES = 60
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class HunkResult:
    """One contiguous change of one file, from the older to the newer release."""

    file: str
    before_start: int
    before: list[str]
    after_start: int
    after: list[str]


@dataclass(frozen=True, slots=True)
class HunkSet:
    """A smallest set of hunks: what cures when it is taken back in the bad side, or breaks when the good side gets it.

    Attributes:
        parts: Each is needed; one of several hunks is a unit that nothing separates.
        required: Hunks that are exchanged along with the parts, since these need them.
        smallest: False where not all of `required` are known to be needed.
        whole_files: Each part is all searched hunks of a file, which were taken or left together: what in it is needed is
            not known.
        confirmed: Every execution that shows it was repeated as often as an answer needs.
    """

    parts: list[list[HunkResult]]
    required: list[HunkResult]
    whole_files: bool = False
    smallest: bool = True
    confirmed: bool = False

    def hunks(self) -> list[HunkResult]:
        """Return the hunks of all parts."""
        return [hunk for part in self.parts for hunk in part]


@dataclass(frozen=True, slots=True)
class HunkAnswer:
    """What opening a boundary between two releases into its hunks found.

    Attributes:
        conclusion: A `harness.search.culprits.Conclusion`.
        environment: The release whose environment all mixtures were executed in, and whose metadata they have.
        commit: The commit whose hunks they are; empty where they lie between both releases. Then its parent and the
            commit stand for the releases.
        fixed: The older side is the bad one.
        hunks, files: How many there are between both releases.
        executed: How many of them were searched, or stand in all mixtures: the job executes a line of them in either
            release, or cannot execute such a line without them.
        innocent: Reverting all other hunks leaves the failure, and applying all of them does not bring it; None if there
            are no other ones; false where that did not hold, or is not known: then all hunks were searched.
        taken_back: Smallest sets of which each, taken back in the bad side, cures.
        sets: Smallest sets of which each, put into the good side, brings the failure.
        executions: Of mixtures, the repeated ones included.
        seconds: All together.
    """

    conclusion: str
    environment: str
    hunks: int
    files: int
    executed: int
    innocent: bool | None
    taken_back: list[HunkSet] = field(default_factory=list)
    sets: list[HunkSet] = field(default_factory=list)
    executions: int = 0
    seconds: float = 0.0
    commit: str = ""
    fixed: bool = False


def diff(hunk: HunkResult) -> str:
    """Return a hunk as a unified diff has it, without context."""
    old, new = len(hunk.before), len(hunk.after)
    head = f"@@ -{hunk.before_start},{old} +{hunk.after_start},{new} @@ {one_line(hunk.file, 200)}"
    rows = [f"-{line}" for line in hunk.before] + [f"+{line}" for line in hunk.after]
    more = [f"… {len(rows) - _MOST_LINES} more lines"] if len(rows) > _MOST_LINES else []
    return clean("\n".join([head, *rows[:_MOST_LINES], *more]), 8_000)


def shown(answer: HunkAnswer) -> list[HunkResult]:
    """Return the hunks that do it: those that break, else those that cure; of whole files nothing is picked out."""
    broken, cured = (
        [one for one in sets if not one.whole_files] for sets in (answer.sets, answer.taken_back)
    )
    found = [hunk for one in broken or cured for hunk in one.hunks()]
    return [hunk for place, hunk in enumerate(found) if hunk not in found[:place]]


def sides(answer: HunkAnswer) -> tuple[str, str]:
    """Return what the good and the bad side are called."""
    if not answer.commit:
        return "the good release", "the bad release"
    names = ("the commit's parent", "the commit")
    return names[::-1] if answer.fixed else names


def sentences(answer: HunkAnswer) -> list[str]:
    """Return what the answer proves, a sentence each."""
    return [*innocents(answer), *change(answer)]


def innocents(answer: HunkAnswer) -> list[str]:
    """Return how many hunks there are, and which of them are innocent."""
    head = f"{answer.hunks} hunks in {answer.files} files differ"
    if answer.innocent is False:
        return [f"{head}; all of them were searched"]
    said = [f"{head}; the job executes lines of {answer.executed} of them, or needs them for that"]
    left_out = answer.hunks - answer.executed
    if answer.innocent and left_out:
        said.append(f"the other {left_out} neither bring the failure nor keep it, all together")
    return said


def change(answer: HunkAnswer) -> list[str]:
    """Return which hunks do it, or why that is not known."""
    good, bad = sides(answer)
    said = [_taken_back(one, bad) for one in answer.taken_back]
    if len(answer.taken_back) > 1:
        said.append("any one of these suffices")
    said += [_put_in(one, good) for one in answer.sets]
    if not answer.sets:
        why = _NOT_PUT_IN if answer.taken_back else "no smallest set of hunks was found"
        if answer.conclusion != "unstable" or not answer.taken_back:  # which says that nothing is claimed
            why = _WHY_NOT.get(answer.conclusion, why)
        said.append(why.format(good=good))
    return said


def _taken_back(found: HunkSet, bad: str) -> str:
    """Say what a set cures."""
    parts = found.hunks()
    several = len(parts) > 1
    subject = f"{len(parts)} hunks ({_places(parts)})" if several else f"1 hunk, {_named(parts[0])},"
    cures = f"taken back {'together ' if several else ''}in {bad} {'cure' if several else 'cures'} it"
    return f"{subject}{_beside(found)} {cures}{_apart(found)} ({_sure(found)})"


def _put_in(found: HunkSet, good: str) -> str:
    """Say what a set breaks, and what is known of its parts."""
    parts = found.hunks()
    if found.whole_files:
        files = list(dict.fromkeys(one_line(hunk.file, 200) for hunk in parts))
        needed = ""
        if len(files) > 1:
            told_apart = len(found.parts) == len(files)
            needed = "; each of these files is needed" if told_apart else "; nothing separates these files"
        count = counted(len(parts), "hunk")
        along = f", with {len(found.required)} of other files that these need," if found.required else ""
        return (
            f"the changes of {', '.join(files)} ({count}){along} applied to {good} bring the failure{needed}: a "
            f"refactoring, of which no smaller part was found that does it ({_sure(found)})"
        )
    several = len(parts) > 1
    subject = f"{len(parts)} hunks" if several else f"1 hunk, {_named(parts[0])},"
    brings = "bring" if several else "brings"
    return f"{subject}{_beside(found)} applied to {good} {brings} the failure{_apart(found)} ({_sure(found)})"


def _beside(found: HunkSet) -> str:
    """Say what has to be exchanged along with a set."""
    if not found.required:
        return ""
    several = len(found.hunks()) > 1
    count = len(found.required)
    others = (
        f"{count} that {'these need' if several else 'it needs'}"
        if found.smallest
        else counted(count, "other")
    )
    return f"{',' if several else ''} with {others},"


def _apart(found: HunkSet) -> str:
    """Say what is known of the parts of a set."""
    if not found.smallest:
        others = "; the others alone do not" if found.required else ""
        return f"{others}: a refactoring, of which no smaller part was found that does it"
    if len(found.hunks()) == 1:
        return ""
    return (
        "; each of them is needed"
        if all(len(part) == 1 for part in found.parts)
        else "; nothing separates them"
    )


def _sure(found: HunkSet) -> str:
    return "confirmed" if found.confirmed else "not confirmed"


def _places(several: list[HunkResult]) -> str:
    more = len(several) - _MOST_NAMED
    named = ", ".join(map(_named, several[:_MOST_NAMED]))
    return f"{named} and {more} more" if more > 0 else named


_NOT_PUT_IN = "no smaller part of the change than all of it was found that brings the failure to {good}: its hunks need each other"
_WHY_NOT = {
    "both-good": "the bad side's files do not fail in the environment of the mixtures: no hunk of the package does it there",
    "both-bad": "the good side's files fail in the environment of the mixtures: what differs outside of the files does it",
    "reversed": "the files of both sides ended the other way round, so nothing is claimed",
    "end-untestable": "the files of one side could not be executed as an overlay, so nothing is claimed",
    "unstable": "a mixture on which the answer rests has no stable outcome, so nothing is claimed",
    "unfinished": "the budget of executions ended before a smallest set was found that brings the failure to {good}",
}


def _named(hunk: HunkResult) -> str:
    last = hunk.after_start + max(len(hunk.after), 1) - 1
    lines = f"{hunk.after_start}" if last == hunk.after_start else f"{hunk.after_start}-{last}"
    return f"{one_line(hunk.file, 200)}:{lines}"
