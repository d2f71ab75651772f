"""The oracle `training`: finite to the end, and the loss fell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.keys import Key
from harness.keys.kinds import COUNT, NUMBER, one_of
from harness.verdicts.oracles.oracle import Oracle
from harness.verdicts.verdict import Effect, Fingerprint, Judgement, SkipKind, Verdict
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.traces.trace import Trace


def training(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Good if every loss and weight stayed finite and the loss fell below the bound at the end.

    The fall is judged by the mean of the last `loss_window` losses, for one batch's loss is noise.
    """
    for event in trace.nonfinite:
        if event["what"] in {"loss", "weight"}:
            return _nonfinite(event)
    losses = trace.signal("loss")
    for step, loss in zip(trace.steps, losses, strict=True):
        if loss is None or not math.isfinite(loss):
            return _nonfinite({"what": "loss", "step": step, "phase": "forward"})
    if not losses:
        return Judgement(
            Verdict.SKIP, "the job ended without a single training step", skip_kind=SkipKind.NOT_MEASURED
        )
    bound = settings.get("loss_below")
    if bound is None:
        return Judgement(Verdict.GOOD, f"finite over {counted(len(losses), 'step')}")
    window = min(int(settings["loss_window"]), len(losses))
    mean = math.fsum(loss for loss in losses[-window:] if loss is not None) / window
    effect = Effect(f"mean loss of the last {window} steps", mean, float(bound))
    said = f"{effect.name} {mean:.4g}"
    if mean < bound:
        return Judgement(
            Verdict.GOOD, f"finite over {counted(len(losses), 'step')}, {said} < {bound:g}", effect=effect
        )
    return Judgement(
        Verdict.BAD, f"did not learn: {said}, not below {bound:g}", Fingerprint("loss not learnt"), effect
    )


def _nonfinite(event: Mapping[str, Any]) -> Judgement:
    what, step, phase = event["what"], event["step"], event["phase"]
    parameter = event.get("parameter")
    share = (
        f" ({event['count']} of {event['of']} values)"
        if event.get("count") and event.get("of", 1) > 1
        else ""
    )
    return Judgement(
        Verdict.BAD,
        f"non-finite {what} at step {step}, {phase}" + (f", in {parameter}" if parameter else "") + share,
        Fingerprint(f"non-finite {what}", step, phase, parameter),
    )


ORACLE = Oracle(
    training,
    {
        "loss_below": Key(NUMBER, "bound that the loss must fall below; none: finite is enough", example=0.4),
        "loss_window": Key(COUNT, "how many of the last losses are averaged", default=20),
        "gradients": Key(
            one_of("mean", "any"),
            "of several ranks: mean, if DistributedDataParallel must give every rank the mean of all gradients; any, if a "
            "communication hook of the job does otherwise",
            default="mean",
        ),
    },
    "good is a training whose losses and weights stay finite and whose loss falls below a bound",
)
