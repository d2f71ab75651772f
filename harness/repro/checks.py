"""The oracle of a run as a few plain lines: what stands in a script so that it fails as the bad release does."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.verdicts.oracles import with_defaults

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
        modules: Modules that the lines need.
        error_matches: What the output of a bad release matches, if the exit status alone does not say it.
    """

    top: str = ""
    start: str = ""
    loss: str = ""
    weights: str = ""
    end: str = ""
    signal: str = ""
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
    if failure == "exception" and kind != "exit-status":
        return Check(error_matches=rf"^([\w.]+\.)?{re.escape(str(fingerprint['exception']))}\b")
    if failure in {"non-finite loss", "non-finite weight"}:
        return _nonfinite(failure, fingerprint.get("parameter"))
    if failure == "loss not learnt":
        return _learnt(float(settings["loss_below"]), int(settings["loss_window"]))
    makers = {"exit-status": _exit_status, "warnings": _warned, "metric": _metric, "output": _output}
    if kind not in makers:
        raise UsageError(
            f"the oracle {kind} judges what no few lines of a script can tell: `harness probe` executes each side"
        )
    return makers[kind](settings, good, bad)


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


def _learnt(bound: float, window: int) -> Check:
    return Check(
        start="losses = []\n",
        loss="losses.append(float($loss))\n",
        end=f"mean = sum(losses[-{window}:]) / len(losses[-{window}:])\n"
        f'assert mean < {bound!r}, f"the loss does not fall: {{mean:.4g}} is not below {bound!r}"\n',
        error_matches="the loss does not fall",
    )


def _exit_status(settings: Mapping[str, Any], _good: object, _bad: object) -> Check:
    wanted = settings.get("bad_when_stdout_matches")
    if not wanted:
        return Check()
    return Check(
        top=_TEE,
        end=f"found = re.search({wanted!r}, sys.stdout.getvalue(), re.MULTILINE)\n"
        'assert not found, f"the output has {{found[0]!r}}"\n',
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
    known = {_key(one) for one in good[1].trace.warnings}
    new = [one for one in bad[1].trace.warnings if one["category"] == wanted and _key(one) not in known]
    if settings["matches"]:
        new = [one for one in new if re.search(settings["matches"], f"{wanted}: {one['message']}")]
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


def _key(warning: Mapping[str, Any]) -> tuple[str, str]:
    """Return what makes two warnings the same; numbers in a message may differ."""
    return warning["category"], re.sub(r"0x[0-9a-f]+|\d+", "#", warning["message"])


def _metric(settings: Mapping[str, Any], good: Side, bad: Side) -> Check:
    name = str(settings["signal"])
    if settings["expect"]:
        expect = str(settings["expect"])
        end = f'assert $value {expect}, f"{name} is {{$value}}, expected {expect}"\n'
        return Check(end=end, signal=name, error_matches=f"{re.escape(name)} is ")
    values = [[one for one in side[1].trace.signal(name) if one is not None] for side in (good, bad)]
    if not all(values):
        raise UsageError(f"the stored probes of both sides do not have {name} any more: bisect again")
    return _nearer(name, "$value", values[0][-1], values[1][-1])


def _nearer(name: str, value: str, good: float, bad: float) -> Check:
    """Return the lines that tell to which side's value a value is nearer."""
    return Check(
        end=f"GOOD, BAD = {good!r}, {bad!r}\n"
        f'assert abs({value} - GOOD) < abs({value} - BAD), f"{name} is {{{value}}}, in place of {{GOOD}}"\n',
        signal=name,
        error_matches=f"{re.escape(name)} is ",
    )


def _output(settings: Mapping[str, Any], good: Side, bad: Side) -> Check:
    wanted = re.compile(
        "|".join(
            re.escape(one.strip()).replace(r"\*", ".*") for one in str(settings["only"] or "*").split(",")
        )
    )
    before = {one["name"]: one for one in good[1].trace.outputs}
    for after in bad[1].trace.outputs:
        name, other = after["name"], before.get(after["name"])
        if (
            not wanted.fullmatch(name)
            or other is None
            or other["digest"] == after["digest"]
            or not name.isidentifier()
        ):
            continue
        pairs = list(zip(other.get("values") or (), after.get("values") or (), strict=False))
        if other["shape"] != after["shape"] or not all(
            isinstance(x, float | int) for pair in pairs for x in pair
        ):
            continue
        at = max(range(len(pairs)), key=lambda one: abs(pairs[one][0] - pairs[one][1]), default=None)
        if at is not None:
            taken = f"$value.flatten()[{at * int(other['every'])}]" if other["shape"] else "$value"
            return _nearer(name, f"float({taken})", *pairs[at])
    raise UsageError(
        "no output is a number that differs between both sides: `harness probe` executes each side"
    )
