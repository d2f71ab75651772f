"""Which hunks between two releases do it: facts of `descend`, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.report.text import clean, one_line

_MOST_LINES = 60


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
    """Hunks that together make the good release's files fail as the bad release does.

    Attributes:
        parts: Each is needed; one of several hunks is a unit that nothing separates.
        required: Hunks without which the parts cannot be executed.
        whole_files: Each part is all hunks of a file, which were taken or left together: what in it is needed is not
            known.
    """

    parts: list[list[HunkResult]]
    required: list[HunkResult]
    whole_files: bool = False


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
        executed: Of how many hunks the job executes a line in either release.
        innocent: Reverting all hunks that are not executed leaves the failure, and applying all of them does not bring
            it; None if that was not tried, since there are none.
        cures: Hunks each of which, reverted in the bad release alone, cures it.
        breaks: Hunks each of which, as in the bad release, makes the good release fail alone.
        together: Hunks that, reverted together in the bad side, cure it, while none of them does it alone.
        sets: Smallest sets whose application to the good release brings the failure and whose reversal cures.
        executions: Of mixtures, the repeated ones included.
        seconds: All together.
    """

    conclusion: str
    environment: str
    hunks: int
    files: int
    executed: int
    innocent: bool | None
    cures: list[HunkResult] = field(default_factory=list)
    breaks: list[HunkResult] = field(default_factory=list)
    sets: list[HunkSet] = field(default_factory=list)
    executions: int = 0
    seconds: float = 0.0
    commit: str = ""
    fixed: bool = False
    together: list[HunkResult] = field(default_factory=list)


def diff(hunk: HunkResult) -> str:
    """Return a hunk as a unified diff has it, without context."""
    old, new = len(hunk.before), len(hunk.after)
    head = f"@@ -{hunk.before_start},{old} +{hunk.after_start},{new} @@ {one_line(hunk.file, 200)}"
    rows = [f"-{line}" for line in hunk.before] + [f"+{line}" for line in hunk.after]
    more = [f"… {len(rows) - _MOST_LINES} more lines"] if len(rows) > _MOST_LINES else []
    return clean("\n".join([head, *rows[:_MOST_LINES], *more]), 8_000)


def shown(answer: HunkAnswer) -> list[HunkResult]:
    """Return the hunks that do it: what cures, alone or together, or what breaks; of whole files nothing is picked out."""
    sets = [one for one in answer.sets if not one.whole_files]
    smallest = [hunk for found in sets for part in found.parts for hunk in part]
    return smallest or answer.cures or answer.together or answer.breaks


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
    said = [f"{head}; the job executes lines of {answer.executed} of them"]
    left_out = answer.hunks - answer.executed
    if answer.innocent and left_out:
        said.append(f"the other {left_out} neither bring the failure nor keep it, all together")
    return said


def change(answer: HunkAnswer) -> list[str]:
    """Return which hunks do it, or why that is not known."""
    good, bad = sides(answer)
    said = [
        f"{_named(cure)} alone, exchanged in {bad} for what {good} has, cures it, in one execution"
        for cure in answer.cures
    ]
    if answer.together:
        places = " and ".join(map(_named, answer.together))
        said.append(
            f"{places}, exchanged together in {bad} for what {good} has, cure it; neither does it alone"
        )
    said += [
        f"{_named(one)} alone, as in {bad}, makes {good} fail, in one execution" for one in answer.breaks
    ]
    said += [_of_set(found, answer, good) for found in answer.sets]
    if not answer.sets:
        said.append(_WHY_NOT.get(answer.conclusion, "no smallest set of hunks was found"))
    return said


def _of_set(found: HunkSet, answer: HunkAnswer, good: str) -> str:
    """Say what a smallest set does, and what is known of its parts."""
    parts = [hunk for part in found.parts for hunk in part]
    sure = "confirmed" if answer.conclusion == "found" else "not confirmed both ways"
    if found.whole_files:
        files = list(dict.fromkeys(one_line(hunk.file, 200) for hunk in parts))
        needed = ""
        if len(files) > 1:
            told_apart = len(found.parts) == len(files)
            needed = (
                "; each of these files is needed" if told_apart else "; no part of them can be executed alone"
            )
        return (
            f"the changes of {', '.join(files)} ({len(parts)} hunks) applied to {good} bring the failure{needed}: a "
            f"refactoring, of which no smaller part was found that does it ({sure})"
        )
    several = len(parts) > 1 and all(len(part) == 1 for part in found.parts)
    single = len(parts) == 1
    count, brings = (f"1 hunk, {_named(parts[0])},", "brings") if single else (f"{len(parts)} hunks", "bring")
    needs = "it needs" if single else "these need"
    also = f"{'' if single else ','} with {len(found.required)} that {needs}," if found.required else ""
    each = "; each of them is needed" if several else "; nothing separates them" if len(parts) > 1 else ""
    return f"{count}{also} applied to {good} {brings} the failure{each} ({sure})"


_WHY_NOT = {
    "both-good": "the bad side's files do not fail in the environment of the mixtures: no hunk of the package does it there",
    "both-bad": "the good side's files fail in the environment of the mixtures: what differs outside of the files does it",
    "reversed": "the files of both sides ended the other way round, so nothing is claimed",
    "end-untestable": "the files of one side could not be executed as an overlay, so nothing is claimed",
    "unstable": "a mixture on which the answer rests has no stable outcome, so nothing is claimed",
    "unfinished": "the budget of executions ended before a smallest set was found",
}


def _named(hunk: HunkResult) -> str:
    last = hunk.after_start + max(len(hunk.after), 1) - 1
    lines = f"{hunk.after_start}" if last == hunk.after_start else f"{hunk.after_start}-{last}"
    return f"{one_line(hunk.file, 200)}:{lines}"
