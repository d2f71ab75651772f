"""The answer of an arm in one sentence that a person can quote."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.search.boundaries import Conclusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.model import BoundaryResult, ReleaseResult


def sentence(
    conclusion: Conclusion, boundaries: Sequence[BoundaryResult], releases: Sequence[ReleaseResult]
) -> str:
    """Return what was found, never more than what was seen."""
    verdicts = [boundary for boundary in boundaries if boundary.signal == "verdict"]
    tested = [release for release in releases if release.verdict in {"good", "bad"}]
    if conclusion == Conclusion.INCONCLUSIVE:
        return _inconclusive(releases)
    if verdicts:
        said = "; ".join(_change(boundary) for boundary in verdicts)
        return f"{said[0].upper()}{said[1:]}."
    span = f"{tested[0].version} to {tested[-1].version}"
    count = f"all {len(tested)} tested releases" if len(tested) > 1 else "the one tested release"
    if conclusion == Conclusion.ALWAYS_GOOD:
        return f"Ran, nothing broke: {count}, {span}, are good{_other_signals(boundaries)}."
    reason = Counter(release.reason for release in tested).most_common(1)[0][0]
    return f"Never good: {count}, {span}, are bad ({reason})."


def _change(boundary: BoundaryResult) -> str:
    verb = "broken" if boundary.kind == "regressed" else "repaired"
    said = f"{verb} between {boundary.before} (last {_good(boundary, before=True)})"
    said += f" and {boundary.after} (first {_good(boundary, before=False)})"
    if boundary.skipped:
        said += f", {', '.join(boundary.skipped)} between them could not be tested"
    return said + (", confirmed" if boundary.confirmed else ", not confirmed")


def _good(boundary: BoundaryResult, *, before: bool) -> str:
    return "good" if (boundary.kind == "regressed") == before else "bad"


def _other_signals(boundaries: Sequence[BoundaryResult]) -> str:
    """Say where the census and the traces change although no verdict does."""
    said = []
    for signal in ("census", "trace"):
        places = [f"{one.before} -> {one.after}" for one in boundaries if one.signal == signal]
        if places:
            said.append(f"the {signal} changes at {', '.join(places)}")
    return f", yet {' and '.join(said)}" if said else ""


def _inconclusive(releases: Sequence[ReleaseResult]) -> str:
    skips = [release for release in releases if release.verdict == "skip"]
    if not skips:
        return "Inconclusive: no release was tested."
    reason, count = Counter(release.reason for release in skips).most_common(1)[0]
    return f"Inconclusive: no release could be tested; {count} of {len(skips)} skips say: {reason}"
