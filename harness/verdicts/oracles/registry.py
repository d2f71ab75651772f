"""All oracles by their kind, and a scenario's settings checked against what each of them takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.verdicts.oracles import census, metric, output, training
from harness.verdicts.oracles.metric import read_expectation
from harness.verdicts.oracles.oracle import Option, Oracle
from harness.verdicts.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.traces.trace import Trace

ORACLES: Mapping[str, Oracle] = {
    "training": training.ORACLE,
    "metric": metric.ORACLE,
    "census": census.ORACLE,
    "output": output.ORACLE,
    "exit-status": Oracle(
        lambda _trace, _settings: Judgement(Verdict.GOOD, "exit status 0"),
        {},
    ),
}

EXIT_STATUS: Mapping[str, Option] = {
    "exit_status": Option(
        bool, "the job is a plain script: how it ends is judged before anything else, as git bisect run does"
    ),
    "bad_when_stdout_matches": Option(str, "bad if the output matches this regular expression", pattern=True),
    "error_matches": Option(
        str, "bad only if the output matches this regular expression, another error: skip", pattern=True
    ),
    "import_errors": Option(
        str,
        "bad: a module that cannot be imported is the failure looked for; else skip",
        choices=("bad", "skip"),
    ),
}
"""Settings that every oracle takes besides its own."""


def by_exit_status(settings: Mapping[str, Any]) -> bool:
    """Tell whether the job is a plain script, of which the exit status is judged first."""
    return settings["kind"] == "exit-status" or bool(settings.get("exit_status"))


def compares(settings: Mapping[str, Any]) -> bool:
    """Tell whether releases are compared with a reference, which must be executed first."""
    return ORACLES[settings["kind"]].compares(with_defaults(settings))


def reference_runs(settings: Mapping[str, Any], seeds: int) -> list[tuple[int, int]]:
    """Return (seed, repeat) of each execution of the reference that comparing needs.

    Args:
        settings: Of an oracle that compares.
        seeds: How many are asked for.
    """
    return list(ORACLES[settings["kind"]].runs(with_defaults(settings), seeds))


def alone(settings: Mapping[str, Any]) -> bool:
    """Tell whether probes are judged by what the machine does: they run one at a time, in clean processes."""
    return ORACLES[settings["kind"]].alone(with_defaults(settings))


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
        complaint = _check_value(options[name], value)
        if complaint:
            return f"{name} = {value!r}: {complaint}"
    missing = [name for name, option in options.items() if option.required and name not in settings]
    return f"the key {missing[0]!r} is missing" if missing else _check_expectation(settings)


def _check_value(option: Option, value: Any) -> str:
    """Return what is wrong with a value of the right type, or an empty string."""
    if option.choices and value not in option.choices:
        return f"expected {' or '.join(option.choices)}"
    if option.least is not None and not value >= option.least:
        return f"expected {option.least:g} or more ({option.meaning})"
    if option.pattern:
        try:
            re.compile(value)
        except re.error as error:
            return f"no regular expression ({error})"
    return ""


def _check_expectation(settings: Mapping[str, Any]) -> str:
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
