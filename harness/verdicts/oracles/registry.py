"""All oracles by their kind, and a scenario's settings checked against what each of them takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.keys import Complaint, Key, check
from harness.keys.kinds import BOOLEAN, REGEX, one_of
from harness.traces.measured import COUNTED
from harness.verdicts.oracles import census, metric, output, performance, raised, same_as, training, warned
from harness.verdicts.oracles.oracle import Oracle
from harness.verdicts.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.probes.probe import Execution
    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration

ORACLES: Mapping[str, Oracle] = {
    "training": training.ORACLE,
    "metric": metric.ORACLE,
    "same-as": same_as.ORACLE,
    "census": census.ORACLE,
    "output": output.ORACLE,
    "performance": performance.ORACLE,
    "warnings": warned.ORACLE,
    "exception": raised.ORACLE,
    "exit-status": Oracle(
        lambda _trace, _settings: Judgement(Verdict.GOOD, "exit status 0"),
        {},
        "good is a script that ends with exit status 0, bad one that fails; 125 and signals are a skip",
    ),
}

EXIT_STATUS: Mapping[str, Key] = {
    "exit_status": Key(
        BOOLEAN,
        "the job is a plain script: how it ends is judged before anything else, as git bisect run does; "
        "none: true with `command` and for the kind exit-status, else false",
        example=True,
    ),
    "bad_when_stdout_matches": Key(
        REGEX, "bad if the output matches this regular expression", example="loss=nan"
    ),
    "error_matches": Key(
        REGEX,
        "bad only if the output matches this regular expression, another error: skip",
        example="CUDA error",
    ),
    "import_errors": Key(
        one_of("bad", "skip"),
        "what a module that cannot be imported means: the failure that is looked for, or no verdict; none: skip",
        example="bad",
    ),
}
"""Settings that every oracle takes besides its own."""

KIND = Key(one_of(*ORACLES), "which oracle judges", required=True, example="training")


def options(kind: str) -> dict[str, Key]:
    """Return all settings that an oracle takes, `kind` the first of them."""
    return {"kind": KIND, **ORACLES[kind].options, **EXIT_STATUS}


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


def interleaves(settings: Mapping[str, Any], calibration: Calibration | None) -> bool:
    """Tell whether a release is compared by interleaving it with the reference.

    Args:
        settings: Of the oracle.
        calibration: What is known of the reference; without one, nothing is compared.
    """
    oracle = ORACLES[settings["kind"]]
    return calibration is not None and oracle.interleaves(with_defaults(settings), calibration)


def looks(settings: Mapping[str, Any]) -> Sequence[int]:
    """Return after how many pairs of interleaved executions to look."""
    return ORACLES[settings["kind"]].looks(with_defaults(settings))


def two_sided(settings: Mapping[str, Any]) -> bool:
    """Tell whether every change from the reference counts, and none is called worse or better."""
    return ORACLES[settings["kind"]].two_sided(with_defaults(settings))


def alone(settings: Mapping[str, Any]) -> bool:
    """Tell whether probes are judged by what the machine does: they run one at a time, in clean processes."""
    return ORACLES[settings["kind"]].alone(with_defaults(settings))


def clean(settings: Mapping[str, Any]) -> bool:
    """Tell whether every probe must run in a process of its own."""
    return alone(settings) or bool(counts(settings)) or ORACLES[settings["kind"]].clean


def profiled(settings: Mapping[str, Any]) -> str:
    """Return the metric whose change a profile can explain: what the machine does, or a count; else empty."""
    judges = alone(settings) or bool(counts(settings))
    return str(with_defaults(settings)["signal"]) if judges else ""


def counts(settings: Mapping[str, Any]) -> list[str]:
    """Return what the recorder must count, since the oracle judges by it."""
    return [name for name in COUNTED if name == with_defaults(settings).get("signal")]


def check_settings(settings: Mapping[str, Any], *, prefix: str = "") -> list[Complaint]:
    """Return what is wrong with an oracle's settings.

    Args:
        settings: By name.
        prefix: Of the names in complaints.
    """
    kind = settings.get("kind")
    if not isinstance(kind, str) or kind not in ORACLES:
        return list(check({"kind": kind} if "kind" in settings else {}, {"kind": KIND}, prefix=prefix))
    return list(check(settings, options(kind), prefix=prefix))


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an oracle's settings with its defaults filled in."""
    return {**{name: key.default for name, key in options(settings["kind"]).items()}, **settings}


def by_end(execution: Execution, trace: Trace, output: str, settings: Mapping[str, Any]) -> Judgement | None:
    """Judge by how a process ended, if the oracle that the settings name does so."""
    judge = ORACLES[settings["kind"]].by_end
    return judge(execution, trace, output, with_defaults(settings)) if judge else None


def apply(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Judge a trace by the oracle that the settings name."""
    return ORACLES[settings["kind"]].judge(trace, with_defaults(settings))
