"""What a probe left behind, as the drawers read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.traces.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.model import ArmResult, ReleaseResult


@dataclass(frozen=True, slots=True)
class ProbeEvidence:
    """The trace and the captured output of one probe.

    Attributes:
        trace: As far as it was recorded.
        log: What the process printed. Any text: it is capped and made harmless where it is drawn.
    """

    trace: Trace = field(default_factory=Trace)
    log: str = ""


def trace_of(release: ReleaseResult, evidence: Mapping[str, ProbeEvidence]) -> Trace | None:
    """Return the trace of a release, or None if it has no probe or its evidence is not at hand."""
    found = evidence.get(release.probe) if release.probe else None
    return found.trace if found else None


def probes_of(release: ReleaseResult) -> dict[int, str]:
    """Return {seed, from 0: digest of its probe} of a release; empty if nothing was executed."""
    found = {item["seed"]: item["probe"] for item in release.executions if item["repeat"] == 0}
    return dict(sorted(found.items())) or ({0: release.probe} if release.probe else {})


def identical_jobs(arm: ArmResult, evidence: Mapping[str, ProbeEvidence]) -> bool | None:
    """Tell whether all trainings of an arm began with the same values and saw the same batches.

    Returns:
        True or False by the digests that the traces recorded; None if no training, or one of them, recorded any.
    """
    traces = [trace_of(release, evidence) for release in arm.releases if release.trace]
    identities = [trace.identity if trace else None for trace in traces]
    if not identities or any(identity is None for identity in identities):
        return None
    return len({(item.get("start"), item.get("batches")) for item in identities if item}) == 1
