"""What releases are compared with: the reference release, executed with several seeds where its noise counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.verdicts.noise import judge_metric, measure_noise
from harness.verdicts.oracles import measure, with_defaults
from harness.verdicts.oracles.census import compare_census

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.traces.trace import Trace
    from harness.verdicts.verdict import Judgement


@dataclass(frozen=True, slots=True)
class Calibration:
    """What an arm's releases are compared with.

    Attributes:
        reference: Version of the release that is known to be good.
        traces: Its A/A runs, one a seed.
        comparisons: Releases that are compared; they share the confidence.
        probes: Digests of the A/A runs, for the report.
    """

    reference: str
    traces: Sequence[Trace]
    comparisons: int
    probes: Sequence[str] = ()

    def judge(self, traces: Sequence[Trace], oracle: Mapping[str, Any]) -> Judgement:
        """Judge one release by all its seeds.

        Raises:
            UsageError: There are fewer than two A/A runs, or one of them is not finite.
        """
        settings = with_defaults(oracle)
        if settings["kind"] == "census":
            return compare_census(self.traces[0], traces, settings)
        reference = [measure(trace, settings) for trace in self.traces]
        return judge_metric(
            f"mean of the last {settings['window']} values of {settings['signal']}",
            reference,
            [measure(trace, settings) for trace in traces],
            measure_noise([reference]),
            confidence=settings["confidence"],
            comparisons=self.comparisons,
            higher_is_worse=settings["higher_is_worse"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what a report keeps of it."""
        return {"reference": self.reference, "comparisons": self.comparisons, "probes": list(self.probes)}
