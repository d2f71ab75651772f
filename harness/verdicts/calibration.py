"""What releases are compared with: the reference release, executed as often as the oracle needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.verdicts.levels import Levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.traces.trace import Trace


@dataclass(frozen=True, slots=True)
class ReferenceRun:
    """One execution of the reference.

    Attributes:
        probe: Digest.
        repeat: Which execution of that probe.
        seed: Counted from 0.
    """

    trace: Trace
    probe: str
    repeat: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What an arm's releases are compared with.

    Attributes:
        reference: Version of the release that is known to be good.
        runs: Its executions.
        comparisons: Releases that are compared; they share the confidence.
        passed_over: {older release that might have been the reference: why it is not}.
        levels: Of a metric, as far as releases showed them.
    """

    reference: str
    runs: Sequence[ReferenceRun]
    comparisons: int
    passed_over: Mapping[str, str] = field(default_factory=dict)
    levels: Levels = field(default_factory=Levels, compare=False, repr=False)

    @property
    def traces(self) -> list[Trace]:
        """Return the traces of all runs."""
        return [run.trace for run in self.runs]

    def chosen(self) -> str:
        """Return which release is the reference and why the ones before it are not, for a reader."""
        others = "; ".join(f"{version} is {why}" for version, why in self.passed_over.items())
        return f"releases are compared with {self.reference}, since {others}"

    def of_seed(self, seed: int) -> list[Trace]:
        """Return the traces of the runs with one seed; those of the first where it has none."""
        found = [run.trace for run in self.runs if run.seed == seed]
        return found or [run.trace for run in self.runs if run.seed == self.runs[0].seed]

    def to_dict(self) -> dict[str, Any]:
        """Return what a report keeps of it."""
        return {
            "reference": self.reference,
            "comparisons": self.comparisons,
            "probes": [run.probe for run in self.runs],
            "repeats": [run.repeat for run in self.runs],
            "seeds": [run.seed for run in self.runs],
            **({"passed_over": dict(self.passed_over)} if self.passed_over else {}),
        }
