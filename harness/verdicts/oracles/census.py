"""The oracle `census`: what is trained, in which dtype and shape, is as in a release that is known to be good."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.keys import Key
from harness.keys.kinds import TEXT
from harness.traces.census import census_differences
from harness.verdicts.oracles.oracle import REFERENCE, Oracle
from harness.verdicts.oracles.training import training
from harness.verdicts.verdict import Fingerprint, Judgement, SkipKind, Verdict
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration

_ASPECTS = ("dtype", "shape", "trainable")


def census(trace: Trace, _settings: Mapping[str, Any]) -> Judgement:
    """Good, as far as one trace can tell, if it has a census and nothing that was trained is non-finite."""
    if trace.census is None:
        return Judgement(
            Verdict.SKIP,
            "no census: the job hands no model to recorder.begin",
            skip_kind=SkipKind.NOT_MEASURED,
        )
    if trace.steps:
        finite = training(trace, {"loss_below": None})
        if finite.verdict != Verdict.GOOD:
            return finite
    return Judgement(Verdict.GOOD, f"a census of {counted(len(trace.census['parameters']), 'parameter')}")


def compare_census(
    calibration: Calibration, traces: Sequence[Trace], settings: Mapping[str, Any]
) -> Judgement:
    """Judge a release by its census beside the reference's; every difference is the same failure."""
    reference = calibration.traces[0]
    only = settings.get("only") or ""
    names = [name.strip() for name in only.split(",") if name.strip()]
    for trace in traces:
        found = census_differences(_chosen(reference, names), _chosen(trace, names))
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            return Judgement(
                Verdict.BAD, f"the census differs: {found[0]}{more}", Fingerprint("census differs")
            )
    return Judgement(Verdict.GOOD, f"the census is the reference's{f' in {only}' if only else ''}")


def _chosen(trace: Trace, only: Sequence[str]) -> dict[str, Any]:
    """Return a census with what is not to be compared made equal.

    Of `only`, the names of aspects and `optimizer` choose what is compared, all others are patterns of parameters.
    """
    census = trace.census or {"parameters": []}
    aspects = [name for name in only if name in {*_ASPECTS, "optimizer"}]
    patterns = [name for name in only if name not in aspects]
    rows = [
        {
            **row,
            **{aspect: None for aspect in _ASPECTS if aspects and aspect not in aspects},
        }
        for row in census["parameters"]
        if not patterns or any(fnmatchcase(row["name"], pattern) for pattern in patterns)
    ]
    with_optimizer = "optimizer" in aspects or not only
    return {"parameters": rows, "optimizer": census.get("optimizer") if with_optimizer else None}


ORACLE = Oracle(
    census,
    {
        "only": Key(
            TEXT,
            "what is compared, with commas between: dtype, shape, trainable, optimizer, patterns of parameters' "
            "names; none: everything",
            example="dtype, trainable, *.lora_A.*",
        ),
        "reference": REFERENCE,
    },
    "good is a model whose parameters and optimizer are those of a release that is known to be good",
    compares=lambda _settings: True,
    compare=compare_census,
)
