"""All oracles by their kind, and a scenario's settings checked against what each of them takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.verdicts.oracles import metric, training

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.traces.trace import Trace
    from harness.verdicts.oracles.oracle import Oracle
    from harness.verdicts.verdict import Judgement

ORACLES: Mapping[str, Oracle] = {
    "training": training.ORACLE,
    "metric": metric.ORACLE,
}


def check_settings(settings: Mapping[str, Any]) -> str:
    """Return what is wrong with an oracle's settings, or an empty string."""
    kind = str(settings.get("kind"))
    if kind not in ORACLES:
        return f"kind = {kind!r}: expected one of {', '.join(ORACLES)}"
    options = ORACLES[kind].options
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
    return f"the key {missing[0]!r} is missing" if missing else ""


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an oracle's settings with its defaults filled in."""
    options = ORACLES[settings["kind"]].options
    return {**{name: option.default for name, option in options.items()}, **settings}


def compares(settings: Mapping[str, Any]) -> bool:
    """Tell whether releases are compared with a reference release, which must be executed first."""
    return bool(settings["kind"] == "metric")


def apply(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Judge a trace by the oracle that the settings name."""
    return ORACLES[settings["kind"]].judge(trace, with_defaults(settings))
