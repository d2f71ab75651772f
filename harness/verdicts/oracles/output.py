"""The oracle `output`: what a job computes is what a release that is known to be good computes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.keys import Key
from harness.keys.kinds import COUNT, NOT_BELOW_0, TEXT
from harness.traces.outputs import Tolerance, changed_kind, distance, learnt, named, unequal_names
from harness.verdicts.oracles.oracle import REFERENCE, Oracle
from harness.verdicts.oracles.training import training
from harness.verdicts.verdict import Effect, Fingerprint, Judgement, SkipKind, Verdict
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.traces.outputs import Output
    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration


def output(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Good, as far as one trace can tell, if it has outputs and nothing that was trained is non-finite."""
    if trace.steps:
        finite = training(trace, {"loss_below": None})
        if finite.verdict != Verdict.GOOD:
            return finite
    found = _chosen(trace, settings)
    if not found:
        asked = f" that {settings['only']} names" if settings["only"] else ""
        how = "script calls harness" if settings.get("exit_status") else "job calls recorder"
        said = f"no output{asked} was recorded: the {how}.output(name, value)"
        return Judgement(Verdict.SKIP, said, skip_kind=SkipKind.NOT_MEASURED)
    return Judgement(Verdict.GOOD, f"{counted(len(found), 'output')} recorded")


def compare_outputs(
    calibration: Calibration, traces: Sequence[Trace], settings: Mapping[str, Any]
) -> Judgement:
    """Judge a release by its outputs beside the reference's with the same seed.

    Raises:
        UsageError: Executions of the reference differ by more than a tolerance could be learnt from.
    """
    judgements = [
        _compare([_chosen(run, settings) for run in calibration.of_seed(seed)], trace, settings, calibration)
        for seed, trace in enumerate(traces)
    ]
    return next((one for one in judgements if one.verdict != Verdict.GOOD), judgements[0])


def _compare(
    runs: Sequence[dict[str, Output]], trace: Trace, settings: Mapping[str, Any], calibration: Calibration
) -> Judgement:
    reference, found = runs[0], _chosen(trace, settings)
    for name, what in unequal_names(reference, found):
        return _bad(name, what)
    largest = (-1.0, "", 0.0, 0.0)
    for name, expected in reference.items():
        kind = changed_kind(expected, found[name])
        if kind:
            return _bad(name, kind)
        tolerance = _tolerance(name, [run.get(name) for run in runs], settings, calibration.reference)
        far = distance(expected, found[name], tolerance.relative)
        effect = Effect(f"largest difference of output {name}", far.largest, tolerance.absolute)
        if far.excess > tolerance.absolute:
            said = f"differs by {far.largest:.3g}, {tolerance} is allowed, {far.where}"
            return _bad(name, said, effect)
        exact = not tolerance.absolute and not tolerance.relative
        if exact and not far.where and expected["digest"] != found[name]["digest"] and expected["every"] > 1:
            return _bad(name, f"differs in values that are not kept: one in {expected['every']} is")
        share = far.excess / tolerance.absolute if tolerance.absolute else far.excess
        largest = max(largest, (share, name, far.largest, tolerance.absolute))
    if all(reference[name]["digest"] == found[name]["digest"] for name in reference):
        return Judgement(
            Verdict.GOOD, f"{counted(len(found), 'output')} as of {calibration.reference}, bit for bit"
        )
    _, name, far_off, allowed = largest
    said = f"{counted(len(found), 'output')} as of {calibration.reference}, {name} furthest off with {far_off:.3g}"
    return Judgement(
        Verdict.GOOD, said, effect=Effect(f"largest difference of output {name}", far_off, allowed)
    )


def _bad(name: str, what: str, effect: Effect | None = None) -> Judgement:
    fingerprint = Fingerprint("output differs", parameter=name)
    return Judgement(Verdict.BAD, f"output {name} {what}", fingerprint, effect)


def _tolerance(
    name: str, runs: Sequence[Output | None], settings: Mapping[str, Any], reference: str
) -> Tolerance:
    if settings["atol"] is not None or settings["rtol"] is not None:
        return Tolerance(float(settings["atol"] or 0.0), float(settings["rtol"] or 0.0))
    same = [run for run in runs if run is not None and not changed_kind(runs[0] or {}, run)]
    tolerance = learnt(same)
    if len(same) < len(runs) or tolerance.absolute == float("inf"):
        raise UsageError(
            f"output {name} differs between executions of {reference} itself, so nothing can be learnt from it: "
            "make the job deterministic, or name the outputs to compare as `only`"
        )
    return tolerance


def _chosen(trace: Trace, settings: Mapping[str, Any]) -> dict[str, Output]:
    """Return the outputs that are compared, by name."""
    patterns = [one.strip() for one in (settings.get("only") or "").split(",") if one.strip()]
    found = named(trace.outputs)
    if not patterns:
        return found
    return {
        name: one
        for name, one in found.items()
        if any(
            fnmatchcase(one["name"], pattern) or one["name"].startswith(f"{pattern}.") for pattern in patterns
        )
    }


ORACLE = Oracle(
    output,
    {
        "only": Key(
            TEXT,
            "names or patterns of the outputs that are compared, with commas between; none: all of them",
            example="eval.logits, *.text",
        ),
        "atol": Key(
            NOT_BELOW_0,
            "absolute difference that is allowed; none, and no rtol: learnt from executions of the reference",
            example=1e-5,
        ),
        "rtol": Key(
            NOT_BELOW_0, "difference that is allowed besides, in units of the reference's value", example=1e-3
        ),
        "aa_runs": Key(
            COUNT,
            "executions of the reference with the same seed, from which the tolerance is learnt",
            default=3,
        ),
        "reference": REFERENCE,
    },
    "good is a job whose outputs are those of a release that is known to be good",
    compares=lambda _settings: True,
    compare=compare_outputs,
    runs=lambda settings, seeds: [
        (seed, repeat) for seed in range(seeds) for repeat in range(settings["aa_runs"])
    ],
)
