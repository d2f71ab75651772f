"""How one arm is searched, and a search that is told again all that was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.search import Observation, Search, make_search
from harness.sessions.arm_map import identical
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.sessions.arm_map import Findings
    from harness.sessions.asked import Asked
    from harness.sessions.finding import Finding


@dataclass(frozen=True, slots=True)
class Searched:
    """How one arm is searched; kept in the report, so that its log can be replayed.

    Attributes:
        strategy: `auto`, `sweep`, `binary`, `noisy` or `prefix`.
        from_given: The oldest release was named as an end.
        two_sided: A change between any two signals is asked for, in either direction.
        assume: {version: verdict} that hold without an execution.
        cheap: Versions that cost little to execute.
        jobs: Probes at a time.
        classes: {version: digest of its first steps} of releases that were executed for these alone, of one arm.
        full: Most full executions that look into classes; None for what the search takes.
    """

    strategy: str
    from_given: bool = True
    find_fix: bool = False
    any_failure: bool = False
    two_sided: bool = False
    confidence: float = 0.95
    assume: Mapping[str, str] = field(default_factory=dict)
    cheap: Sequence[str] = ()
    jobs: int = 1
    classes: Mapping[str, str] = field(default_factory=dict)
    full: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all fields, as they come back from JSON."""
        lists = {"cheap": list(self.cheap), "classes": dict(self.classes)}
        return {**{name: getattr(self, name) for name in self.__slots__}, **lists}


def replay(searched: Searched, names: Sequence[str], findings: Findings) -> Search:
    """Return a search that has been told all findings, those that are no evidence as skips.

    Args:
        searched: Strategy and options.
        names: Versions, oldest first.
        findings: Of one arm.

    Raises:
        UsageError: A verdict is assumed for a release that is not in the range.
    """
    positions = {name: position for position, name in enumerate(names)}
    for version in searched.assume:
        if version not in positions:
            raise UsageError(
                f"--assume {version}: there is no such release in the range {names[0]} to {names[-1]}"
            )
    search = make_search(
        searched.strategy,
        count=len(names),
        jobs=searched.jobs,
        names=tuple(names),
        from_given=searched.from_given,
        find_fix=searched.find_fix,
        any_failure=searched.any_failure,
        two_sided=searched.two_sided,
        confidence=searched.confidence,
        assume={positions[version]: Verdict(verdict) for version, verdict in searched.assume.items()},
        cheap=frozenset(positions[version] for version in searched.cheap),
        classes={positions[version]: digest for version, digest in searched.classes.items()},
        full=searched.full,
    )
    for position, repeats in sorted(identical(findings).items()):
        for repeat, finding in sorted(repeats.items()):
            search.tell(observation(position, repeat, finding))
    return search


def strategy(asked: Asked) -> str:
    """Return how to search: tests break and are repaired each in a release of its own, so all are executed.

    Raises:
        UsageError: Everything is to be executed, and a search is asked for that leaves releases out.
    """
    plan = asked.question.plan
    if plan.exhaustive and plan.search not in ("auto", "sweep", "prefix"):
        raise UsageError(
            f"--exhaustive executes every release in full, and --search {plan.search} does not; leave one of them out"
        )
    if plan.exhaustive or (asked.scenario.tests and plan.search == "auto"):
        return "sweep"
    return plan.search


def observation(position: int, repeat: int, finding: Finding) -> Observation:
    """Return what a search is told of an execution."""
    return Observation(position, repeat, finding.judgement, None if finding.timed else finding.trace_digest)
