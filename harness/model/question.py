"""The question: one immutable value that says everything about what is asked.

Command line, Python, plan, cluster, bundle, nightly and report take a `Question` or return one. A command line is one
rendering of it (`to_argv`, read by `harness.cli.questions`), JSON is another (`harness.model.codec`); each has its
reverse. Where and how fast probes are executed (`Place`) is no part of what is asked, and of no digest.

| part | says |
|---|---|
| `Subject` | what is executed: a scenario, a command, or a bundle that holds a scenario |
| `Axis` | what varies: a package, and the ends of the range of its releases |
| `Ends` | what varies in a question about two environments: the changes between them |
| `Holds` | what is kept: pins, Python, torch, device, variables, locks |
| `Job` | arms, changed settings, seeds |
| `Judging` | how a command is judged; a scenario says that in its file |
| `Plan` | how the answer is searched, confirmed and explained |
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from harness.model.options import option, write_options

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = 1
"""Version of the value's shape, as it stands in report.json."""

SEARCHES = ("auto", "sweep", "binary", "noisy")
EXECUTORS = ("local", "dask")
DEVICES = ("auto", "cpu", "cuda")
POLICIES = ("fixed", "as-of")
VERDICTS = ("good", "bad", "skip")
DEFAULT_CAP_GB = 20.0

Setting = str | int | float | bool

_ASKING = ("bisect", "plan")
_PROBING = ("bisect", "plan", "probe")
_ANSWERING = ("bisect", "blame")
_EXECUTING = (*_PROBING, "blame")

OF_JUDGING = "judging a script or a command"
OF_SEARCH = "search"
OF_WHY = "why, and what helps"
OF_PLACE = "where probes are executed"
GROUPS = {
    OF_JUDGING: "Exit status 0 is good, 125 skip, 1 to 127 bad, 128 and more skip; a failed import is skip.",
}
"""{heading: text below it} of the help."""


def positive(text: str) -> int:
    """Read a whole number above 0, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number above 0")
    return value


def read_seconds(text: str) -> float:
    """Read a number of seconds above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of seconds above 0")
    return value


def read_setting(text: str) -> tuple[str, Setting]:
    """Read `name=value`: the value becomes a number, true or false where it looks like one; quotes keep a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.replace("_", "").isalnum():
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=VALUE, a setting of the job")
    return name, _read_value(value)


def write_setting(setting: tuple[str, Setting]) -> str:
    """Return the word that `read_setting` reads."""
    name, value = setting
    if isinstance(value, str):
        plain = _read_value(value) == value and not value.startswith(_QUOTE)
        return f"{name}={value}" if plain else f"{name}={json.dumps(value)}"
    return f"{name}={json.dumps(value)}" if isinstance(value, bool) else f"{name}={value!r}"


_QUOTE = '"'


def _read_value(text: str) -> Setting:
    if text.startswith(_QUOTE):
        try:
            quoted = json.loads(text)
        except ValueError:
            return text
        return quoted if isinstance(quoted, str) else text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def read_assumption(text: str) -> tuple[str, str]:
    """Read `release=verdict`; with two packages the release is `package==release`."""
    version, equals, verdict = text.rpartition("=")
    if not equals or not version or verdict not in VERDICTS:
        raise argparse.ArgumentTypeError(
            f"{text}: expected RELEASE=VERDICT, with one of {', '.join(VERDICTS)}"
        )
    return version, verdict


def _join(pair: tuple[str, str]) -> str:
    return "=".join(pair)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is executed; one of the three is there.

    Attributes:
        scenario: Name of a scenario, or path of its folder.
        command: Program and arguments; `python` is the interpreter of each environment.
        bundle: Path of a file that `bundle` wrote; it says which scenario, packages and releases.
    """

    scenario: str = ""
    command: tuple[str, ...] = ()
    bundle: str = option(
        "",
        "--bundle",
        "in place of SCENARIO: take scenario, releases and packages from what `bundle` wrote; no network",
        metavar="FILE",
        verbs=_PROBING,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One package whose releases vary.

    Attributes:
        package: As given, with its extras; empty for the scenario's own.
        first, last: Ends of the range; None for the scenario's, or the oldest and the newest of all.
    """

    package: str = ""
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Two environments, between which packages change; both are given, or none.

    An environment is the path of a list of packages, of a lock, of a Python or of a run, or a date.
    """

    good: str = option(
        "",
        "--good",
        "the environment in which it works: a lock, a list of packages, the path of a Python, or a date",
        metavar="ENV",
        verbs=("blame",),
    )
    bad: str = option(
        "",
        "--bad",
        "the environment in which it fails, given in the same way",
        metavar="ENV",
        verbs=("blame",),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """What every environment and every probe has in common."""

    pins: tuple[str, ...] = option(
        (),
        "--with",
        'what every environment holds besides, as "torch==2.13.0"; may be repeated',
        metavar="REQUIREMENT",
    )
    prereleases: bool = option(False, "--pre", "take pre-releases too", verbs=(*_EXECUTING, "bundle"))
    python: str | None = option(
        None,
        "--python",
        "Python of the environments, as 3.10 or >=3.10, or the path of one or of a virtual environment",
        metavar="V",
        verbs=_EXECUTING,
    )
    torch: str = option(
        "auto",
        "--torch",
        "where torch comes from: auto (your configured source, else CUDA where a GPU is, else CPU), cpu, "
        "cuXXX (as cu128), index (as the index serves it), host (the torch that is installed)",
        metavar="SOURCE",
        verbs=_EXECUTING,
    )
    device: str = option(
        "auto", "--device", "default auto: CUDA where it can be used", choices=DEVICES, verbs=_EXECUTING
    )
    timeout: float | None = option(
        None,
        "--timeout",
        "seconds a probe may take",
        metavar="S",
        read=read_seconds,
        write=repr,
        verbs=_EXECUTING,
    )
    online: bool = option(False, "--online", "let probes use the network", verbs=_EXECUTING)
    variables: tuple[str, ...] = option(
        (),
        "--env",
        "an environment variable that probes get; without a value, as it is here; may be repeated",
        metavar="NAME[=VALUE]",
        verbs=_EXECUTING,
    )
    policy: str = option(
        "fixed",
        "--policy",
        "which versions the other packages have: fixed (default), the same with every release; as-of, those of the day "
        "on which the release was uploaded, with `fixed` beside it",
        choices=POLICIES,
        verbs=_PROBING,
    )
    locks: str | None = option(
        None,
        "--locks",
        "install the locks of an earlier run, to repeat it exactly, instead of resolving",
        metavar="RUN",
        verbs=("bisect", "probe"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Which settings of the job are executed.

    Attributes:
        arms: Names; none: the scenario's default ones.
        settings: (name, value) of settings that are changed in every arm.
    """

    arms: tuple[str, ...] = option(
        (),
        "--arm",
        "an arm; may be repeated; default: the scenario's",
        metavar="A",
        verbs=(*_ASKING, "blame"),
    )
    settings: tuple[tuple[str, Setting], ...] = option(
        (),
        "--set",
        "change a setting of the job in every arm",
        metavar="NAME=VALUE",
        read=read_setting,
        write=write_setting,
        verbs=_EXECUTING,
    )
    seeds: int = option(
        1, "--seeds", "seeds of every arm, default 1", metavar="N", read=positive, verbs=_EXECUTING
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How the end and the values of a command are judged; all empty for a scenario, whose file says it."""

    bad_when_stdout_matches: str | None = option(
        None,
        "--bad-when-stdout-matches",
        "bad if the output matches, whatever the exit status; any other failure is skip",
        metavar="REGEX",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    error_matches: str | None = option(
        None,
        "--error-matches",
        "bad only if the output matches; another error is skip",
        metavar="REGEX",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    import_errors: str | None = option(
        None,
        "--import-errors",
        "what a module that cannot be imported means, default skip",
        choices=("bad", "skip"),
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    metric: str | None = option(
        None,
        "--metric",
        "judge the last NAME=value that is printed, alone, among others or in a line of JSON, or "
        "harness.record(NAME, value), or what the harness measures: wall_seconds, memory_peak, with a recorder "
        "step_seconds and others",
        metavar="NAME",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    expect: str | None = option(
        None,
        "--expect",
        'what the metric must be, as "<0.5"; without it, what the reference gives within its noise: every change '
        "counts",
        metavar="BOUND",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    minimum_effect: float | None = option(
        None,
        "--minimum-effect",
        "how many times the reference's value a change of the metric must be to count; default 1.1 of what the "
        "harness measures, of a printed metric every change beyond noise",
        metavar="X",
        read=float,
        write=repr,
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    higher_is_worse: bool | None = option(
        None,
        "--higher-is-better",
        "which direction of the metric is a failure; none: every change counts",
        switches=(
            (False, "--higher-is-better", "a metric that is lower is bad, no other is"),
            (True, "--lower-is-better", "a metric that is higher is bad, no other is"),
        ),
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    warning_matches: str | None = option(
        None,
        "--warning-matches",
        "bad if a warning `Category: message` of the script matches",
        metavar="REGEX",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    output: str | None = option(
        None,
        "--output",
        "compare what the script hands to harness.output(NAME, value) with what the reference gives; a pattern "
        'will do, as "*"',
        metavar="NAME",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    atol: float | None = option(
        None,
        "--atol",
        "absolute difference of an output that is allowed",
        metavar="X",
        read=float,
        write=repr,
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    rtol: float | None = option(
        None,
        "--rtol",
        "difference of an output that is allowed, in units of its value; without both, learnt",
        metavar="X",
        read=float,
        write=repr,
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )

    reference: str | None = option(
        None,
        "--reference",
        "the release that metric or output is compared with; default: the oldest of the range that can be tested and "
        "is good by itself, with --find-fix the newest",
        metavar="RELEASE",
        group=OF_JUDGING,
        verbs=_PROBING,
    )

    def given(self) -> Iterator[tuple[str, Setting]]:
        """Yield name and value of every option that is given."""
        for one in fields(self):
            value = getattr(self, one.name)
            if value != one.default:
                yield one.name, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the answer is searched, confirmed and explained.

    Attributes:
        assume: (version, verdict) that hold without an execution.
        leave_out: Versions that are no part of the range.
    """

    search: str = option(
        "auto", "--search", "strategy, default auto", choices=SEARCHES, group=OF_SEARCH, verbs=_ASKING
    )
    find_fix: bool = option(
        False, "--find-fix", "look for the release that repaired something", group=OF_SEARCH, verbs=_ASKING
    )
    any_failure: bool = option(
        False,
        "--any-failure",
        "take every failure for the same one, whatever its fingerprint",
        group=OF_SEARCH,
        verbs=(*_ASKING, "blame"),
    )
    assume: tuple[tuple[str, str], ...] = option(
        (),
        "--assume",
        "take good, bad or skip for a release without executing it; of two packages PACKAGE==RELEASE=VERDICT; may be "
        "repeated",
        metavar="RELEASE=VERDICT",
        read=read_assumption,
        write=_join,
        group=OF_SEARCH,
        verbs=_ASKING,
    )
    leave_out: tuple[str, ...] = option(
        (),
        "--leave-out",
        "a release that is no part of the range; of two packages PACKAGE==RELEASE; may be repeated",
        metavar="RELEASE",
        group=OF_SEARCH,
        verbs=_ASKING,
    )
    confidence: float = option(
        0.95,
        "--confidence",
        "probability that an answer must reach where executions disagree, default 0.95",
        metavar="P",
        read=float,
        write=repr,
        group=OF_SEARCH,
        verbs=_ASKING,
    )
    confirm_on: str | None = option(
        None,
        "--confirm-on",
        "execute the sides of every boundary on this device too, and put both side by side",
        choices=("cpu", "cuda"),
        group=OF_SEARCH,
        verbs=_ASKING,
    )
    cause: bool = option(
        True,
        "--no-cause",
        "do not find out why the sides of a boundary differ",
        group=OF_WHY,
        verbs=(*_ASKING, "blame"),
    )
    remedies: bool = option(
        False, "--fixes", "try the scenario's remedies around each boundary", group=OF_WHY, verbs=_ASKING
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where probes are executed, how many at a time, and where the report goes: no part of what is asked."""

    jobs: int | None = option(
        None,
        "--jobs",
        "probes at a time; default: what the machines allow",
        metavar="N",
        read=positive,
        group=OF_PLACE,
        verbs=(*_ASKING, "blame"),
    )
    executor: str = option(
        "local",
        "--executor",
        "who executes: this machine (default), or the workers of a dask cluster",
        choices=EXECUTORS,
        group=OF_PLACE,
        verbs=_ASKING,
    )
    scheduler: str | None = option(
        None,
        "--scheduler",
        "of the dask cluster, as tcp://host:8786, or its scheduler's file",
        metavar="ADDRESS",
        group=OF_PLACE,
        verbs=_ASKING,
    )
    out: str = option(
        "reports",
        "--out",
        "where reports go, default reports",
        metavar="DIR",
        group=OF_PLACE,
        verbs=_ANSWERING,
    )
    environment_cap: float = option(
        DEFAULT_CAP_GB,
        "--environment-cap",
        f"size of all environments together, least recently used go first; default {DEFAULT_CAP_GB:g}",
        metavar="GB",
        read=float,
        write=repr,
        group=OF_PLACE,
        verbs=_ANSWERING,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything about what is asked.

    Attributes:
        axes: What varies; none: what the scenario says.
        ends: The two environments of a question about the changes between them.
        schema: Version of this shape.
    """

    subject: Subject = field(default_factory=Subject)
    axes: tuple[Axis, ...] = ()
    ends: Ends = field(default_factory=Ends)
    holds: Holds = field(default_factory=Holds)
    job: Job = field(default_factory=Job)
    judging: Judging = field(default_factory=Judging)
    plan: Plan = field(default_factory=Plan)
    schema: int = SCHEMA

    def to_argv(self, verb: str = "bisect", *more: str) -> list[str]:
        """Return the words behind `python -m harness` that ask this question of a command.

        Args:
            verb: `bisect`, `plan` or `blame`; `probe` asks for one release of it, whose options are `more`.
            more: Further words, before a command of the user's.
        """
        words = [verb]
        if self.subject.scenario:
            words.append(self.subject.scenario)
        words += write_options(self.subject, verb)
        words += self._ranges(verb) if verb != "blame" else ()
        for part in (self.ends, self.holds, self.job, self.judging, self.plan):
            words += write_options(part, verb)
        words += more
        return [*words, "--", *self.subject.command] if self.subject.command else words

    def _ranges(self, verb: str) -> Iterator[str]:
        for axis in self.axes:
            if axis.package:
                yield from ("--package", axis.package)
            if verb == "probe":
                continue
            if axis.first is not None:
                yield from ("--from", axis.first)
            if axis.last is not None:
                yield from ("--to", axis.last)
