"""The oracle `warnings`: bad is a release that warns of what is looked for, or of what the reference does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.keys import Key
from harness.keys.kinds import REGEX, one_of
from harness.probes.probe import first_line
from harness.verdicts.oracles.oracle import REFERENCE, Oracle
from harness.verdicts.oracles.training import training
from harness.verdicts.verdict import Fingerprint, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration


def warned(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Judge by what is looked for; without it, good as far as one trace can tell."""
    if trace.steps:
        finite = training(trace, {"loss_below": None})
        if finite.verdict != Verdict.GOOD:
            return finite
    counted = list(heard(trace, settings))
    wanted = settings["matches"]
    for one in counted if wanted else ():
        if re.search(wanted, line(one)):
            return _bad("warning", one)
    said = f", none matches {wanted!r}" if wanted and counted else ""
    return Judgement(Verdict.GOOD, f"{_count(len(counted))}{said}")


def compare_warnings(
    calibration: Calibration, traces: Sequence[Trace], settings: Mapping[str, Any]
) -> Judgement:
    """Judge a release by the warnings that the reference does not have."""
    known = {key(one, settings) for trace in calibration.traces for one in heard(trace, settings)}
    for trace in traces:
        for one in heard(trace, settings):
            if key(one, settings) not in known:
                return _bad(f"{calibration.reference} has no such warning:", one)
    return Judgement(Verdict.GOOD, f"{_count(len(list(heard(traces[0], settings))))}, none that is new")


def heard(trace: Trace, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the warnings that count."""
    ignored = settings["ignore"]
    return (one for one in trace.warnings if not (ignored and re.search(ignored, line(one))))


def key(one: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what makes two warnings the same; numbers in a message may differ."""
    if settings["by"] == "category":
        return (one["category"],)
    return one["category"], re.sub(r"0x[0-9a-f]+|\d+", "#", one["message"])


def line(one: Mapping[str, Any]) -> str:
    """Return the line of a warning, which patterns are matched with."""
    return f"{one['category']}: {one['message']}"


def _bad(what: str, one: Mapping[str, Any]) -> Judgement:
    often = f", {one['count']} times" if one["count"] > 1 else ""
    where = one["where"].rpartition("site-packages/")[2]
    said = f"{what} {one['category']}: {first_line(one['message'])} (in {where}{often})"
    return Judgement(Verdict.BAD, said, Fingerprint(f"warning {one['category']}"))


def _count(number: int) -> str:
    return {0: "no warning", 1: "1 warning"}.get(number, f"{number} different warnings")


ORACLE = Oracle(
    warned,
    {
        "matches": Key(
            REGEX,
            "bad is a warning whose line `Category: message` matches; none: one that the reference does not have",
            example="FutureWarning: .*deprecated",
        ),
        "by": Key(
            one_of("category", "message"),
            "what makes a warning new: its category, or its message too, in which numbers may differ",
            default="category",
        ),
        "ignore": Key(REGEX, "warnings whose line matches do not count", example="ResourceWarning"),
        "reference": REFERENCE,
    },
    "good is a job without the warning that is looked for, or without one that a good release does not have",
    compares=lambda settings: settings["matches"] is None,
    compare=compare_warnings,
    clean=True,
)
