"""The oracle of a run as a few plain lines: what stands in a script so that it fails as the bad release does."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.traces.measured import OWN
from harness.traces.outputs import apart
from harness.verdicts.oracles import with_defaults
from harness.verdicts.oracles.metric import measure, read_expectation
from harness.verdicts.oracles.warned import heard, key, line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ReleaseResult

    Side = tuple[ReleaseResult, ProbeEvidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Lines of a script that make it fail where a release is bad.

    Attributes:
        top: Lines before everything else.
        start: Lines before the training.
        loss: Lines behind a forward pass; `$loss` stands for its loss.
        weights: Lines behind a step of the optimizer; `$model` stands for the model.
        end: Lines at the end; `$value` stands for the value that is judged.
        signal: Name of the value that is judged, if one is.
        window: How many of its last values are averaged.
        modules: Modules that the lines need.
        error_matches: What the output of a bad release matches, if the exit status alone does not say it.
    """

    top: str = ""
    start: str = ""
    loss: str = ""
    weights: str = ""
    end: str = ""
    signal: str = ""
    window: int = 1
    modules: tuple[str, ...] = ()
    error_matches: str = ""


def check_of(
    oracle: Mapping[str, Any],
    good: Side,
    bad: Side,
) -> Check:
    """Return the lines that tell the two sides of a boundary apart as the run's oracle does.

    Args:
        oracle: Settings of the oracle.
        good: The release of the good side, with what its probe left.
        bad: The same of the bad side.

    Raises:
        UsageError: No few lines can do that.
    """
    settings = with_defaults(oracle)
    fingerprint = bad[0].fingerprint or {}
    kind, failure = settings["kind"], str(fingerprint.get("kind", ""))
    if failure == "output matches":
        return _printed(str(settings["bad_when_stdout_matches"]), bad)
    if kind == "exit-status" or failure.startswith("exit status "):
        return Check()
    if failure == "exception":
        return Check(error_matches=rf"^([\w.]+\.)?{re.escape(str(fingerprint['exception']))}\b")
    if kind == "metric" and failure == f"non-finite {settings['signal']}" and fingerprint.get("step") is None:
        return _metric(settings, good, bad)
    if failure in {"non-finite loss", "non-finite weight"}:
        return _nonfinite(failure, fingerprint.get("parameter"))
    makers = {"warnings": _warned, "metric": _metric, "output": _output}
    maker = _learnt if failure == "loss not learnt" else makers.get(kind)
    if maker is None:
        raise UsageError(
            f"the oracle {kind} judges what no few lines of a script can tell: `harness probe` executes each side"
        )
    return maker(settings, good, bad)


def _nonfinite(failure: str, parameter: str | None) -> Check:
    if failure == "non-finite loss":
        return Check(
            loss='assert math.isfinite($loss), f"non-finite loss: {float($loss)}"\n',
            modules=("math",),
            error_matches="non-finite loss",
        )
    # A canonical name leaves out what a wrapper puts between its parts.
    name = r"\.(\w+\.)*".join(map(re.escape, (parameter or "").split("."))) if parameter else ""
    return Check(
        weights="for name, parameter in $model.named_parameters():\n"
        '    assert parameter.isfinite().all(), f"non-finite weight: {name}"\n',
        error_matches=rf"non-finite weight: (\w+\.)*{name}",
    )


def _learnt(settings: Mapping[str, Any], _good: object, _bad: object) -> Check:
    bound, window = float(settings["loss_below"]), int(settings["loss_window"])
    return Check(
        start="losses = []\n",
        loss="losses.append(float($loss))\n",
        end=f"mean = sum(losses[-{window}:]) / len(losses[-{window}:])\n"
        f'assert mean < {bound!r}, f"the loss does not fall: {{mean:.4g}} is not below {bound!r}"\n',
        error_matches="the loss does not fall",
    )


def _printed(wanted: str, bad: Side) -> Check:
    if bad[1].trace.error is not None:  # it never comes to its end: that it fails and prints it is enough
        return Check(error_matches=wanted)
    return Check(
        top=_TEE,
        end=f"found = re.search({wanted!r}, sys.stdout.getvalue(), re.MULTILINE)\n"
        'assert not found, f"the output has {found[0]!r}"\n',
        modules=("io", "re", "sys"),
        error_matches="the output has",
    )


_TEE = '''\
class Tee(io.StringIO):
    """Keeps what is printed."""

    def write(self, text):
        sys.__stdout__.write(text)
        return super().write(text)


sys.stdout = Tee()
'''


def _warned(settings: Mapping[str, Any], good: Side, bad: Side) -> Check:
    wanted = str((bad[0].fingerprint or {}).get("kind", "")).removeprefix("warning ")
    new = [one for one in heard(bad[1].trace, settings) if one["category"] == wanted]
    if settings["matches"]:
        new = [one for one in new if re.search(settings["matches"], line(one))]
    else:
        known = {key(one, settings) for one in heard(good[1].trace, settings)}
        new = [one for one in new if key(one, settings) not in known]
    if not new:
        raise UsageError(
            f"no few lines of a script can tell the {wanted} of the bad release: `harness probe` does"
        )
    message = str(new[0]["message"])
    text = max(re.split(r"[^\w ,=-]|\d", message), key=len).strip()
    pattern = text if message.startswith(text) else f"(?s).*{text}"
    return Check(
        top=f'warnings.filterwarnings("error", message={json.dumps(pattern)})\n',
        modules=("warnings",),
        error_matches=re.escape(text),
    )


def _metric(settings: Mapping[str, Any], good: Side, bad: Side) -> Check:
    name = str(settings["signal"])
    if name in OWN:
        raise UsageError(
            f"{name} is what the harness itself measures, and no few lines of a script do: `harness probe` executes "
            "each side"
        )
    series = [[value for value in side[1].trace.signal(name) if value is not None] for side in (good, bad)]
    if not all(series):
        raise UsageError(f"the stored probes of both sides do not have {name} any more: bisect again")
    window = min(int(settings["window"]), max(map(len, series)))
    values = [measure(side[1].trace, settings) for side in (good, bad)]
    if settings["expect"] and math.isfinite(values[1]):
        _, sign, bound = read_expectation(str(settings["expect"]))
        expected = f"{sign} {bound!r}"
        end = f'assert $value {expected}, f"{name} is {{$value}}, expected {expected}"\n'
        return Check(end=end, signal=name, window=window, error_matches=f"{re.escape(name)} is ")
    return _nearer(name, "$value", values[0], values[1], window)


def _nearer(name: str, value: str, good: float, bad: float, window: int = 1) -> Check:
    """Return the lines that tell to which side's value a value is nearer; NaN and infinities are near to nothing."""
    lines, told = "", repr(good)
    if not math.isfinite(good):
        nearer = f'str(float({value})) == "{good}"'
    elif not math.isfinite(bad):
        nearer = f"math.isfinite({value})"
    else:
        lines, told = f"GOOD, BAD = {good!r}, {bad!r}\n", "{GOOD}"
        nearer = f"abs({value} - GOOD) < abs({value} - BAD)"
    return Check(
        end=f'{lines}assert {nearer}, f"{name} is {{{value}}}, in place of {told}"\n',
        signal=name,
        window=window,
        modules=("math",) if "math." in nearer else (),
        error_matches=f"{re.escape(name)} is ",
    )


def _output(_settings: Mapping[str, Any], good: Side, bad: Side) -> Check:
    name = str((bad[0].fingerprint or {}).get("parameter"))
    before, after = ([one for one in side[1].trace.outputs if one["name"] == name] for side in (good, bad))
    if len(before) == len(after) == 1 and name.isidentifier():
        one, its = before[0], after[0]
        pairs = list(zip(one["values"], its["values"], strict=False))
        gaps = [apart(*pair) for pair in pairs]
        alike = (one["dtype"], one["shape"]) == (its["dtype"], its["shape"])
        if alike and any(gaps) and not one["dtype"].startswith("complex"):
            at = gaps.index(max(gaps))
            values = "$value" if one["dtype"] in {"int", "float", "bool"} else "$value.flatten()"
            taken = f"{values}[{at * int(one['every'])}]" if one["shape"] else "$value"
            return _nearer(name, f"float({taken})", *pairs[at])
    raise UsageError(
        f"output {name} is no number, list or tensor that the job records once under a plain name, with a value that "
        "differs between both sides: `harness probe` executes each side"
    )
