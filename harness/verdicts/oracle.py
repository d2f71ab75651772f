"""Oracles judge what a probe recorded. Each is a plain function of the trace and its settings.

An oracle is named by `kind` in a scenario's `[oracle]` table; `ORACLES` lists them with their settings and what
each setting means. It is asked only about a training that ended by itself: what came before training, and what
was ended from outside, is ruled on in `judge`.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.verdicts.verdict import Effect, Fingerprint, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.traces.trace import Trace


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of an oracle: its type, whether it must be given, and its meaning."""

    kind: type | tuple[type, ...]
    meaning: str
    required: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Oracle:
    """A function that judges, and the settings that it takes."""

    judge: Callable[[Trace, Mapping[str, Any]], Judgement]
    options: Mapping[str, Option]


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
        return Judgement(Verdict.SKIP, "the job ended without a single training step")
    bound = settings.get("loss_below")
    if bound is None:
        return Judgement(Verdict.GOOD, f"finite over {len(losses)} steps")
    window = min(int(settings["loss_window"]), len(losses))
    mean = math.fsum(loss for loss in losses[-window:] if loss is not None) / window
    effect = Effect(f"mean loss of the last {window} steps", mean, float(bound))
    said = f"{effect.name} {mean:.4g}"
    if mean < bound:
        return Judgement(Verdict.GOOD, f"finite over {len(losses)} steps, {said} < {bound:g}", effect=effect)
    return Judgement(
        Verdict.BAD, f"did not learn: {said}, not below {bound:g}", Fingerprint("loss not learnt"), effect
    )


def metric(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Judge a metric by what is expected of it: skip where it was not recorded, bad where it is not finite.

    Without an `expect` a trace is good as far as it alone can tell; whether the metric is worse than the
    reference's is then judged over all seeds, see `calibration`.
    """
    if trace.steps:
        finite = training(trace, {"loss_below": None})
        if finite.verdict != Verdict.GOOD:
            return finite
    name = settings["signal"]
    if not any(value is not None for value in trace.signal(name)):
        return Judgement(Verdict.SKIP, f"nothing was recorded under the name {name}")
    value, expect = measure(trace, settings), settings["expect"]
    if not math.isfinite(value):
        return Judgement(Verdict.BAD, f"{name} is {value}", Fingerprint(f"non-finite {name}"))
    if expect is None:
        return Judgement(Verdict.GOOD, f"{name} {value:.6g}")
    compare, sign, bound = read_expectation(expect)
    effect = Effect(name, value, bound)
    if compare(value, bound):
        return Judgement(Verdict.GOOD, f"{name} {value:.6g} {sign} {bound:g}", effect=effect)
    said = f"{name} {value:.6g}, expected {sign} {bound:g}"
    return Judgement(Verdict.BAD, said, Fingerprint(f"{name} not {sign} {bound:g}"), effect)


def measure(trace: Trace, settings: Mapping[str, Any]) -> float:
    """Return the metric of one trace: the mean of the last `window` values of its signal; NaN without any."""
    values = [
        value for value in trace.signal(settings["signal"])[-int(settings["window"]) :] if value is not None
    ]
    return math.fsum(values) / len(values) if values else math.nan


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


def read_expectation(text: str) -> tuple[Callable[[float, float], bool], str, float]:
    """Read what is expected of a metric, as `<0.5`; return the comparison, its sign and the bound.

    Raises:
        ValueError: It is no comparison with a number.
    """
    sign = next((sign for sign in _COMPARISONS if text.strip().startswith(sign)), None)
    if sign is None:
        raise ValueError(f"expected one of {' '.join(_COMPARISONS)} and a number, as in <0.5")
    return _COMPARISONS[sign], sign, float(text.strip()[len(sign) :])


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


ORACLES: Mapping[str, Oracle] = {
    "training": Oracle(
        training,
        {
            "loss_below": Option((int, float), "bound that the loss must fall below; none: finite is enough"),
            "loss_window": Option(int, "how many of the last losses are averaged", default=20),
        },
    ),
    "metric": Oracle(
        metric,
        {
            "signal": Option(str, "the signal that is compared, a column of the trace", default="loss"),
            "window": Option(int, "how many of its last values are averaged", default=20),
            "higher_is_worse": Option(bool, "true for a loss, false for an accuracy", default=True),
            "confidence": Option((int, float), "of all comparisons together", default=0.95),
            "reference": Option(
                str, "the release that is known to be good; default: the oldest of the range"
            ),
            "aa_seeds": Option(
                int, "seeds of the reference, from which the noise floor is learnt", default=5
            ),
            "expect": Option(str, "what is right, as <0.5; none: not worse than the reference"),
        },
    ),
    "exit-status": Oracle(
        lambda _trace, _settings: Judgement(Verdict.GOOD, "exit status 0"),
        {},
    ),
}

EXIT_STATUS: Mapping[str, Option] = {
    "exit_status": Option(
        bool, "the job is a plain script: how it ends is judged before anything else, as git bisect run does"
    ),
    "bad_when_stdout_matches": Option(str, "bad if the output matches this regular expression"),
    "error_matches": Option(
        str, "bad only if the output matches this regular expression, another error: skip"
    ),
    "import_errors": Option(
        str, "bad: a module that cannot be imported is the failure looked for; else skip"
    ),
}
"""Settings that every oracle takes besides its own."""


def by_exit_status(settings: Mapping[str, Any]) -> bool:
    """Tell whether the job is a plain script, of which the exit status is judged first."""
    return settings["kind"] == "exit-status" or bool(settings.get("exit_status"))


def compares(settings: Mapping[str, Any]) -> bool:
    """Tell whether releases are compared with a reference, whose noise floor must be learnt first."""
    return settings["kind"] == "metric" and settings.get("expect") is None


def check_settings(settings: Mapping[str, Any]) -> str:
    """Return what is wrong with an oracle's settings, or an empty string."""
    kind = str(settings.get("kind"))
    if kind not in ORACLES:
        return f"kind = {kind!r}: expected one of {', '.join(ORACLES)}"
    options = {**ORACLES[kind].options, **EXIT_STATUS}
    for name, value in settings.items():
        if name == "kind":
            continue
        if name not in options:
            return f"unknown key {name!r}; {kind} takes {', '.join(options)}"
        kinds = options[name].kind
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            wanted = {str: "text", bool: "true or false"}.get(
                kinds if isinstance(kinds, type) else int, "a number"
            )
            return f"{name} = {value!r}: expected {wanted} ({options[name].meaning})"
    missing = [name for name, option in options.items() if option.required and name not in settings]
    return f"the key {missing[0]!r} is missing" if missing else _check_texts(settings)


def _check_texts(settings: Mapping[str, Any]) -> str:
    for name in ("bad_when_stdout_matches", "error_matches"):
        try:
            re.compile(settings.get(name, ""))
        except re.error as error:
            return f"{name} = {settings[name]!r}: no regular expression ({error})"
    if settings.get("import_errors", "skip") not in {"bad", "skip"}:
        return f"import_errors = {settings['import_errors']!r}: expected bad or skip"
    try:
        read_expectation(settings.get("expect", "<0"))
    except ValueError as error:
        return f"expect = {settings['expect']!r}: {error}"
    return ""


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an oracle's settings with its defaults filled in."""
    options = {**ORACLES[settings["kind"]].options, **EXIT_STATUS}
    return {**{name: option.default for name, option in options.items()}, **settings}


def apply(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Judge a trace by the oracle that the settings name."""
    return ORACLES[settings["kind"]].judge(trace, with_defaults(settings))
