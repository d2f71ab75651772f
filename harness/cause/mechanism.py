"""What went wrong in a training, named: small rules over its trace, each with the figures that prove it.

A rule is a plain function from a trace to what it recognised, or None. `explain` asks all of them; that none
matches is an honest answer. The constants of a dtype come from IEEE 754-2019 (binary16, binary32) and, for
bfloat16, from Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning Training", table 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.cause.reading import (
    FORMATS,
    at,
    dtype_of,
    first_bad_loss,
    groups,
    known,
    limit,
    loss_scale,
    nonfinite,
    optimizer_setting,
    parameters,
    percent,
    shares,
)
from harness.report.attribution import MechanismResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.traces.trace import Trace

_IEEE = "IEEE 754-2019, binary16: largest 65504, smallest subnormal 2^-24"
_ADAM = "Kingma & Ba 2015, Adam, algorithm 1: the update is m / (sqrt(v) + eps)"
_MIXED = "Micikevicius et al. 2018, Mixed Precision Training, sections 3.1 and 3.2"
_FLOAT8 = "Micikevicius et al. 2022, FP8 Formats for Deep Learning, table 1"
_STANDSTILL = 0.9
"""Share of weights that must stay what they were, over all steps, to call it a standstill."""
_SATURATED, _FLUSHED = 0.1, 0.5
"""Shares of values lost in a conversion beyond which it is no matter of a few: a scale that fits its tensor saturates one."""


def denominator_zero(trace: Trace) -> MechanismResult | None:
    """Adam divides by zero: the second moment underflowed, and eps rounds to zero in this dtype."""
    for step, group, share in shares(trace, "denominator_zero"):
        still = at(trace, f"{group}.gradient_zero", step) or 0.0
        if share > still + 1e-12:  # what has a gradient of zero is the next rule's
            eps, dtype = optimizer_setting(trace, "eps"), dtype_of(trace, group)
            flushed = at(trace, f"{group}.second_moment_zero", step)
            return MechanismResult(
                "adam-denominator-zero",
                f"Adam divides by exactly zero in {percent(share)} of {group} at step {step}: eps {eps:g} rounds to "
                f"0 in {dtype}, and {percent(flushed)} of the second moments underflowed although their "
                "gradient is not zero, so m / 0 is infinite",
                step,
                {
                    "group": group,
                    "denominator_zero": share,
                    "second_moment_zero": flushed,
                    "eps": eps,
                    "dtype": dtype,
                },
                f"{_ADAM}; {_IEEE}",
            )
    return None


def zero_over_zero(trace: Trace) -> MechanismResult | None:
    """Adam computes 0 / 0: the gradient is exactly zero, and so is the denominator."""
    for step, group, share in shares(trace, "denominator_zero"):
        still = at(trace, f"{group}.gradient_zero", step) or 0.0
        both = min(share, still)
        if both > 0 and nonfinite(trace, "weight", at=step):
            eps, dtype = optimizer_setting(trace, "eps"), dtype_of(trace, group)
            return MechanismResult(
                "adam-zero-over-zero",
                f"Adam computes 0 / 0 in {percent(both)} of {group} at step {step}: the gradient is exactly zero "
                f"there, and eps {eps:g} rounds to 0 in {dtype}, so the weights become NaN",
                step,
                {
                    "group": group,
                    "gradient_zero": still,
                    "denominator_zero": share,
                    "eps": eps,
                    "dtype": dtype,
                },
                f"{_ADAM}; {_IEEE}",
            )
    return None


def gradient_flushed(trace: Trace) -> MechanismResult | None:
    """Gradients underflow: some are exactly zero, and some beside them are subnormal."""
    best: tuple[float, int, str, float] | None = None
    for step, group, share in shares(trace, "gradient_zero"):
        subnormal = at(trace, f"{group}.gradient_subnormal", step) or 0.0
        if subnormal > 0 and share < 1 and (best is None or share > best[0]):
            best = (share, step, group, subnormal)
    if best is None:
        return None
    share, step, group, subnormal = best
    dtype = dtype_of(trace, group)
    smallest = FORMATS[dtype].smallest if dtype in FORMATS else math.nan
    return MechanismResult(
        "gradient-flushed",
        f"Gradients underflow: at step {step} {percent(share)} of {group} are exactly zero and {percent(subnormal)} "
        f"are subnormal; what is below half of {smallest:.2e} is zero in {dtype}",
        step,
        {"group": group, "gradient_zero": share, "gradient_subnormal": subnormal, "dtype": dtype},
        f"{_MIXED}; {_IEEE}",
    )


def update_lost(trace: Trace) -> MechanismResult | None:
    """The training stands still: updates are smaller than half an ulp of the weights they are added to."""
    for group in groups(trace, "update_lost"):
        values = [value for value in trace.signal(f"{group}.update_lost") if value is not None]
        if len(values) > 1 and min(values) >= _STANDSTILL:
            lost, dtype = math.fsum(values) / len(values), dtype_of(trace, group)
            return MechanismResult(
                "update-below-half-ulp",
                f"{group} stands still: {percent(lost)} of its weights stayed what they were over {len(values)} "
                f"steps although their gradients are not zero; an update below half an ulp is lost in {dtype}",
                1,
                {"group": group, "update_lost": lost, "steps": len(values), "dtype": dtype},
                _MIXED,
            )
    return None


def overflow_in_loss(trace: Trace) -> MechanismResult | None:
    """The loss itself is infinite while all weights are finite: its dtype cannot hold it."""
    step = first_bad_loss(trace)
    if step is None or nonfinite(trace, "weight", before=step):
        return None
    value = at(trace, "loss", step)
    if value is None or not math.isinf(value):
        return None
    return MechanismResult(
        "overflow-in-loss",
        f"The loss is {value:+} at step {step} although every weight is finite: it went past the largest number "
        f"of its dtype{limit(trace)}",
        step,
        {"loss": value, **known(trace)},
        _IEEE,
    )


def overflow_in_forward(trace: Trace) -> MechanismResult | None:
    """The loss is NaN while all weights are finite: something overflowed on the way to it (inf - inf, 0 * inf)."""
    step = first_bad_loss(trace)
    if step is None or nonfinite(trace, "weight", before=step):
        return None
    value = at(trace, "loss", step)
    if value is not None and math.isinf(value):
        return None
    return MechanismResult(
        "overflow-in-forward",
        f"The forward pass made NaN at step {step} from finite weights: an activation went past the largest number "
        f"of its dtype{limit(trace)}",
        step,
        known(trace),
        _IEEE,
    )


def overflow_by_scale(trace: Trace) -> MechanismResult | None:
    """Gradients overflow although the loss is finite, and a loss scale multiplies them.

    A scale that adapts itself overflows now and then by design: there the last step has to overflow too.
    """
    event = next((one for one in trace.nonfinite if one["what"] == "gradient"), None)
    if event is None or nonfinite(trace, "weight", before=event["step"]):
        return None
    adapted = trace.signal("loss_scale.overflow")
    if adapted and not adapted[-1]:
        return None
    loss, factor = at(trace, "loss", event["step"]), loss_scale(trace, event["step"])
    if loss is None or not math.isfinite(loss) or factor <= 1:
        return None
    return MechanismResult(
        "overflow-by-loss-scale",
        f"Gradients overflow at step {event['step']}: the loss {loss:.4g} is finite, times the loss scale {factor:g} it "
        f"is {loss * factor:.4g}{limit(trace)}; {event['count']} of {event['of']} gradients of {event['parameter']} "
        "are not finite",
        event["step"],
        {"loss": loss, "loss_scale": factor, "scaled": loss * factor, "parameter": event["parameter"]},
        f"{_MIXED}; {_IEEE}",
    )


def unscale_refused(trace: Trace) -> MechanismResult | None:
    """GradScaler refuses half-precision gradients: it wants trained parameters in float32."""
    error = trace.error or {}
    message = str(error.get("message", ""))
    if "unscale" not in message or "gradients" not in message:
        return None
    trained = sorted({one["dtype"] for one in parameters(trace) if one["trainable"]})
    return MechanismResult(
        "unscaling-refused",
        f"GradScaler refuses to unscale at step {error.get('step')}: {message.splitlines()[0]} Trained parameters "
        f"are {', '.join(trained)}",
        error.get("step"),
        {"message": message, "trained": trained},
        "torch.amp.GradScaler.unscale_: gradients must be those of float32 parameters",
    )


def nan_told_as_zero(trace: Trace) -> MechanismResult | None:
    """A loss is told as 0 that really is NaN: a filter between the training and its log."""
    raw = trace.signal("loss")
    for name in trace.columns:
        if name == "loss" or not name.endswith("loss"):
            continue
        for step, value, told in zip(trace.steps, raw, trace.signal(name), strict=False):
            if told == 0 and (value is None or not math.isfinite(value)):
                return _told(step, name, "the loss itself is NaN")
    for step, value in zip(trace.steps, raw, strict=False):
        spoiled = nonfinite(trace, "weight", before=step)
        if value == 0 and spoiled:
            return _told(
                step,
                "loss",
                f"{spoiled['parameter'] or 'a weight'} is not finite since step {spoiled['step']}",
            )
    return None


def saturated_in_float8(trace: Trace) -> MechanismResult | None:
    """A scale is too large for what it scales: many values become the largest number of an 8-bit format."""
    return _lost_in_float8(trace, "saturated", _SATURATED, "become its largest number", "too large")


def flushed_in_float8(trace: Trace) -> MechanismResult | None:
    """A scale is too small for what it scales: many values become zero in an 8-bit format."""
    return _lost_in_float8(trace, "flushed", _FLUSHED, "become zero although they are not", "too small")


def _lost_in_float8(trace: Trace, signal: str, bound: float, what: str, scale: str) -> MechanismResult | None:
    """Return the first step in which more than a share `bound` of the values converted into a format is lost."""
    for step, name, share in shares(trace, signal):
        if name in FORMATS and share > bound:
            largest, amax = FORMATS[name].largest, at(trace, f"{name}.amax", step)
            scales = [at(trace, f"{name}.scale_{end}", step) for end in ("min", "max")]
            told = (
                f"; the scales lie between {scales[0]:.4g} and {scales[1]:.4g}" if None not in scales else ""
            )
            return MechanismResult(
                f"{signal}-in-float8",
                f"{percent(share)} of the values that are converted into {name} at step {step} {what}: for these the scale "
                f"is {scale}. The largest value before scaling is {amax:.4g}{told}; the format ends at {largest:g}",
                step,
                {"format": name, signal: share, "amax": amax, "scales": scales},
                _FLOAT8,
            )
    return None


RULES: tuple[Callable[[Trace], MechanismResult | None], ...] = (
    unscale_refused,
    zero_over_zero,
    denominator_zero,
    overflow_in_loss,
    overflow_in_forward,
    overflow_by_scale,
    update_lost,
    gradient_flushed,
    saturated_in_float8,
    flushed_in_float8,
    nan_told_as_zero,
)


def explain(trace: Trace) -> list[MechanismResult]:
    """Return what every rule recognises, the most telling first."""
    return [found for found in (rule(trace) for rule in RULES) if found is not None]


def _told(step: int, name: str, why: str) -> MechanismResult:
    return MechanismResult(
        "nan-told-as-zero",
        f"{name} is told as 0 at step {step}, and that is no number: {why}",
        step,
        {"signal": name},
        "transformers.TrainingArguments.logging_nan_inf_filter: NaN and infinite losses are left out of what is logged",
    )
