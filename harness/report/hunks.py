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
    """

    parts: list[list[HunkResult]]
    required: list[HunkResult]


@dataclass(frozen=True, slots=True)
class HunkAnswer:
    """What opening a boundary between two releases into its hunks found.

    Attributes:
        conclusion: A `harness.search.culprits.Conclusion`.
        environment: The release whose environment all mixtures were executed in, and whose metadata they have.
        hunks, files: How many there are between both releases.
        executed: Of how many hunks the job executes a line in either release.
        innocent: Reverting all hunks that are not executed leaves the failure, and applying all of them does not bring
            it; None if that was not tried, since there are none.
        cures: Hunks each of which, reverted in the bad release alone, cures it.
        breaks: Hunks each of which, as in the bad release, makes the good release fail alone.
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


def diff(hunk: HunkResult) -> str:
    """Return a hunk as a unified diff has it, without context."""
    old, new = len(hunk.before), len(hunk.after)
    head = f"@@ -{hunk.before_start},{old} +{hunk.after_start},{new} @@ {one_line(hunk.file, 200)}"
    rows = [f"-{line}" for line in hunk.before] + [f"+{line}" for line in hunk.after]
    more = [f"… {len(rows) - _MOST_LINES} more lines"] if len(rows) > _MOST_LINES else []
    return clean("\n".join([head, *rows[:_MOST_LINES], *more]), 8_000)


def shown(answer: HunkAnswer) -> list[HunkResult]:
    """Return the hunks that do it: those of the smallest sets, without one those that cure or break alone."""
    return [hunk for found in answer.sets for part in found.parts for hunk in part] or (
        answer.cures or answer.breaks
    )


def sentences(answer: HunkAnswer) -> list[str]:
    """Return what the answer proves, a sentence each."""
    said = [
        f"{answer.hunks} hunks in {answer.files} files differ; the job executes lines of {answer.executed} of them"
    ]
    left_out = answer.hunks - answer.executed
    if answer.innocent and left_out:
        said.append(f"the other {left_out} neither bring the failure nor keep it, all together")
    said += [
        f"reverting {_named(cure)} alone in the bad release cures it, in one execution"
        for cure in answer.cures
    ]
    said += [
        f"{_named(one)} alone, as in the bad release, makes the good release fail, in one execution"
        for one in answer.breaks
    ]
    for found in answer.sets:
        parts = [hunk for part in found.parts for hunk in part]
        also = f", with {len(found.required)} that these need," if found.required else ""
        several = len(parts) > 1 and all(len(part) == 1 for part in found.parts)
        count = "1 hunk" if len(parts) == 1 else f"{len(parts)} hunks"
        each = "; each of them is needed" if several else "; nothing separates them" if len(parts) > 1 else ""
        sure = "confirmed" if answer.conclusion == "found" else "not confirmed both ways"
        said.append(f"{count}{also} applied to the good release brings the failure{each} ({sure})")
    if not answer.sets:
        said.append(_WHY_NOT.get(answer.conclusion, "no smallest set of hunks was found"))
    return said


_WHY_NOT = {
    "both-good": "the bad release's files do not fail in the environment of the mixtures: no hunk of the package does it there",
    "both-bad": "the good release's files fail in the environment of the mixtures: what differs outside of the files does it",
    "reversed": "the files of both releases ended the other way round, so nothing is claimed",
    "end-untestable": "the files of one release could not be executed as an overlay, so nothing is claimed",
    "unstable": "a mixture on which the answer rests has no stable outcome, so nothing is claimed",
    "unfinished": "the budget of executions ended before a smallest set was found",
}


def _named(hunk: HunkResult) -> str:
    last = hunk.after_start + max(len(hunk.after), 1) - 1
    lines = f"{hunk.after_start}" if last == hunk.after_start else f"{hunk.after_start}-{last}"
    return f"{one_line(hunk.file, 200)}:{lines}"
