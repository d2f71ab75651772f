"""What releases are compared with: the reference release, executed as often as the oracle needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.verdicts.oracles import ORACLES, with_defaults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.traces.trace import Trace
    from harness.verdicts.verdict import Judgement


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
    """

    reference: str
    runs: Sequence[ReferenceRun]
    comparisons: int

    @property
    def traces(self) -> list[Trace]:
        """Return the traces of all runs."""
        return [run.trace for run in self.runs]

    def of_seed(self, seed: int) -> list[Trace]:
        """Return the traces of the runs with one seed; those of the first where it has none."""
        found = [run.trace for run in self.runs if run.seed == seed]
        return found or [run.trace for run in self.runs if run.seed == self.runs[0].seed]

    def judge(self, traces: Sequence[Trace], oracle: Mapping[str, Any]) -> Judgement:
        """Judge one release by all its seeds.

        Raises:
            UsageError: The runs of the reference are too few, or too different, to compare anything with.
        """
        compare = ORACLES[oracle["kind"]].compare
        assert compare is not None  # noqa: S101 - an oracle that compares has it
        return compare(self, traces, with_defaults(oracle))

    def to_dict(self) -> dict[str, Any]:
        """Return what a report keeps of it."""
        return {
            "reference": self.reference,
            "comparisons": self.comparisons,
            "probes": [run.probe for run in self.runs],
            "repeats": [run.repeat for run in self.runs],
            "seeds": [run.seed for run in self.runs],
        }
