"""The answer of an arm in one sentence that a person can quote, complete without anything around it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from harness.report.devices import also_on, both, called
from harness.search.boundaries import Conclusion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.report.model import BoundaryResult, ReleaseResult

MOST_CHANGES = 4
"""Changes of the verdict told; where there are more, the rest is counted."""


def sentence(
    package: str,
    parameters: Mapping[str, Any],
    conclusion: str,
    boundaries: Sequence[BoundaryResult],
    releases: Sequence[ReleaseResult],
) -> str:
    """Return what was found, never more than what was seen.

    Args:
        package: The package under test.
        parameters: The arm's settings; its dtype tells the reader what was trained.
        conclusion: One of the contract's.
        boundaries: All of the arm.
        releases: All of the arm, oldest first.
    """
    dtype = parameters.get("dtype")
    job = f"{dtype} training" if isinstance(dtype, str) else "the job"
    changes = [boundary for boundary in boundaries if boundary.signal == "verdict"]
    if conclusion == Conclusion.INCONCLUSIVE:
        return f"Inconclusive: {_inconclusive(package, job, changes, releases)}."
    if changes:
        return f"{_changes(package, job, changes)}."
    tested = [release for release in releases if release.verdict in {"good", "bad"}]
    if conclusion == Conclusion.ALWAYS_GOOD:
        return f"Nothing broke: {job} is good with {_all(package, releases)}{_other_signals(boundaries)}."
    if conclusion == Conclusion.UNTESTABLE_GAP and tested[0].verdict == "good":
        return f"{job.capitalize()} is good with {_all(package, releases)}{_other_signals(boundaries)}."
    reason, count = Counter(release.reason for release in tested).most_common(1)[0]
    often = "" if count == len(tested) else "most often: "
    return f"No good release: {job} is bad with {_all(package, releases)} ({often}{reason.rstrip('.')})."


def _changes(package: str, job: str, changes: Sequence[BoundaryResult]) -> str:
    told: list[str] = []
    for index, boundary in enumerate(changes[:MOST_CHANGES]):
        verb = "broke" if boundary.kind == "regressed" else "repaired"
        again = " again" if any(one.kind == boundary.kind for one in changes[:index]) else ""
        old, new = ("good", "bad") if boundary.kind == "regressed" else ("bad", "good")
        if boundary.kind == "changed":
            verb, old, new = "changed", "old", "new"
        before, after = boundary.before, boundary.after
        who, what = ("", "it") if index else (f"{package} ", job)
        if boundary.skipped:  # whoever did it may be one of those that could not be tested: nobody is named
            subject = who or "a release "
            said = f"{subject}{verb} {what}{again} after {before} (last {old}) and by {after} (first {new})"
            gap = f"; {_several(boundary.skipped)} between them could not be tested"
        else:
            said = f"{who}{after} {verb} {what}{again}"
            said += (
                f" (last {old} {before})"
                if index
                else f": {before} is the last {old} release, {after} the first {new} one"
            )
            gap = ""
        told.append(f"{said}, {'' if boundary.confirmed else 'not '}confirmed{also_on(boundary)}{gap}")
    more = len(changes) - len(told)
    return "; ".join([*told, *([f"and {more} more changes"] if more else [])])


def _all(package: str, releases: Sequence[ReleaseResult]) -> str:
    """Name the releases that have a verdict, and how many have none."""
    tested = [release.version for release in releases if release.verdict in {"good", "bad"}]
    if len(tested) == 1:
        said = f"{package} {tested[0]}, the one release tested"
    else:
        count = "all " if len(tested) == len(releases) else ""
        which = "" if count else "tested "
        said = f"{count}{len(tested)} {which}releases of {package}, {tested[0]} to {tested[-1]}"
    skipped = sum(release.verdict == "skip" for release in releases)
    untested = len(releases) - len(tested) - skipped
    others = [f"{skipped} could not be tested"] if skipped else []
    others += [f"{untested} {'was' if untested == 1 else 'were'} not executed"] if untested else []
    return f"{said} ({', '.join(others)})" if others else said


def _other_signals(boundaries: Sequence[BoundaryResult]) -> str:
    """Say where the census and the traces change although no verdict does."""
    said = []
    for signal in ("census", "trace"):
        places = [f"{one.before} -> {one.after}" for one in boundaries if one.signal == signal]
        if places:
            said.append(f"the {signal} changes at {', '.join(places)}")
    return f", yet {' and '.join(said)}" if said else ""


def _inconclusive(
    package: str, job: str, changes: Sequence[BoundaryResult], releases: Sequence[ReleaseResult]
) -> str:
    for one in changes:
        if one.disputed:
            said = "; ".join(f"{called(device)} says {both(one, device)}" for device in one.devices)
            return f"the devices disagree on {job} with {package}, so no release is named: {said}"
    tested = [release for release in releases if release.verdict in {"good", "bad"}]
    skips = [release for release in releases if release.verdict == "skip"]
    if not tested and skips:
        reason, count = Counter(release.reason for release in skips).most_common(1)[0]
        said = f"{count} of {len(skips)} skips say: {reason.rstrip('.')}"
        return f"no release of {package} could be tested; {said}"
    if not tested:
        return f"no release of {package} was tested"
    for one in changes:
        if one.untested:
            old, new = ("good", "bad") if one.kind == "regressed" else ("bad", "good")
            left = (
                f"{_several(one.untested)} between them {'is' if len(one.untested) == 1 else 'are'} untested"
            )
            return f"{job} is {old} with {package} {one.before} and {new} with {one.after}, and {left}"
    divided = [release.version for release in tested if set(release.repeats) - {release.verdict}]
    if divided:
        return f"executions of {package} {_several(divided)} disagree, and more of them did not settle it"
    return (
        f"the search is not finished; {len(tested)} of {len(releases)} releases of {package} have a verdict"
    )


def _several(versions: Sequence[str]) -> str:
    """Return a few versions by name, many as a span with their number."""
    if len(versions) > 4:
        return f"{len(versions)} releases ({versions[0]} to {versions[-1]})"
    return " and ".join(filter(None, [", ".join(versions[:-1]), versions[-1]]))
