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

OF_FIRST = "the options that matter most"
OF_SUBJECT = "what: the environments"
OF_RANGE = "range: which releases"
OF_JOB = "job: how it is executed"
OF_JUDGING = "judge: what counts as bad, for a script or a command"
OF_SEARCH = "search: which releases are executed"
OF_WHY = "why: causes and remedies"
OF_PLACE = "where: machines and folders"
GROUPS = {
    OF_FIRST: "",
    OF_SUBJECT: "",
    OF_RANGE: "",
    OF_JOB: "",
    OF_JUDGING: "Without these options the exit status decides: 0 is good; 1 to 127 is bad, but 125 is skip;\n  "
    "128 and more is skip. A failed import is skip.",
    OF_SEARCH: "",
    OF_WHY: "",
    OF_PLACE: "",
}
"""{heading: text below it} of the help, in its order."""


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
        "take scenario, releases and packages from a file that `bundle` wrote, without a network; give no SCENARIO",
        metavar="FILE",
        group=OF_SUBJECT,
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
        "the environment in which the job works: a lock, a list of packages, the path of a Python, or a date",
        metavar="ENV",
        group=OF_FIRST,
        verbs=("blame",),
    )
    bad: str = option(
        "",
        "--bad",
        "the environment in which the job fails, in the same form",
        metavar="ENV",
        group=OF_FIRST,
        verbs=("blame",),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """What every environment and every probe has in common."""

    pins: tuple[str, ...] = option(
        (),
        "--with",
        'install this in every environment too, for example "torch==2.13.0"; may be repeated',
        metavar="REQUIREMENT",
        group=OF_FIRST,
    )
    prereleases: bool = option(
        False, "--pre", "include pre-releases", group=OF_RANGE, verbs=(*_EXECUTING, "bundle")
    )
    python: str | None = option(
        None,
        "--python",
        "Python of the environments: a version (3.10, >=3.10), or the path of a Python or of a virtual environment",
        metavar="V",
        group=OF_SUBJECT,
        verbs=_EXECUTING,
    )
    torch: str = option(
        "auto",
        "--torch",
        "where torch comes from: auto (default: the source that pip or uv is configured with; else the CUDA build if "
        "there is a GPU, else the CPU build), cpu, a CUDA build (cu128), index (the build that the index serves), host (the "
        "torch that is installed here)",
        metavar="SOURCE",
        group=OF_SUBJECT,
        verbs=_EXECUTING,
    )
    device: str = option(
        "auto",
        "--device",
        "device of the training; default auto: CUDA if torch can use it",
        choices=DEVICES,
        group=OF_JOB,
        verbs=_EXECUTING,
    )
    timeout: float | None = option(
        None,
        "--timeout",
        "seconds that one execution may take",
        metavar="S",
        group=OF_JOB,
        read=read_seconds,
        write=repr,
        verbs=_EXECUTING,
    )
    online: bool = option(False, "--online", "let the job use the network", group=OF_JOB, verbs=_EXECUTING)
    variables: tuple[str, ...] = option(
        (),
        "--env",
        "set an environment variable of the job; without a value, the variable keeps the value that it has here; may be "
        "repeated",
        metavar="NAME[=VALUE]",
        group=OF_JOB,
        verbs=_EXECUTING,
    )
    policy: str = option(
        "fixed",
        "--policy",
        "versions of the other packages: fixed (default), the same for every release; as-of, the versions of the day on "
        "which the release was uploaded, compared with fixed",
        choices=POLICIES,
        verbs=_PROBING,
        group=OF_SUBJECT,
    )
    locks: str | None = option(
        None,
        "--locks",
        "install the locks of an earlier run, and resolve nothing: repeats that run exactly",
        metavar="RUN",
        group=OF_SUBJECT,
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
        "execute this arm of the scenario; may be repeated; default: the arms that the scenario names as default",
        metavar="A",
        group=OF_FIRST,
        verbs=(*_ASKING, "blame"),
    )
    settings: tuple[tuple[str, Setting], ...] = option(
        (),
        "--set",
        "change a setting of the scenario's job, in every arm; may be repeated",
        metavar="NAME=VALUE",
        group=OF_JOB,
        read=read_setting,
        write=write_setting,
        verbs=_EXECUTING,
    )
    seeds: int = option(
        1,
        "--seeds",
        "execute every arm with this number of seeds, default 1",
        metavar="N",
        read=positive,
        group=OF_JOB,
        verbs=_EXECUTING,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How the end and the values of a command are judged; all empty for a scenario, whose file says it."""

    bad_when_stdout_matches: str | None = option(
        None,
        "--bad-when-stdout-matches",
        "bad if the output of the command matches, with any exit status; every other failure is skip",
        metavar="REGEX",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    error_matches: str | None = option(
        None,
        "--error-matches",
        "bad only if the command fails and its output matches; every other error is skip",
        metavar="REGEX",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    import_errors: str | None = option(
        None,
        "--import-errors",
        "verdict of a failed import, default skip",
        choices=("bad", "skip"),
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    metric: str | None = option(
        None,
        "--metric",
        "judge a number: the last NAME=value (or JSON with NAME) that the command prints, or what it hands to "
        "harness.record(NAME, value), or what the harness measures (wall_seconds, memory_peak; with a recorder also "
        "step_seconds and others)",
        metavar="NAME",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    expect: str | None = option(
        None,
        "--expect",
        'the bound of a good metric, for example "<0.5"; without a bound, a release is bad if its metric differs from the '
        "reference's by more than noise",
        metavar="BOUND",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    minimum_effect: float | None = option(
        None,
        "--minimum-effect",
        "smallest change of the metric that counts, as a ratio to the reference; default 1.1 for what the harness "
        "measures; for a printed metric every change that is larger than noise counts",
        metavar="X",
        read=float,
        write=repr,
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    higher_is_worse: bool | None = option(
        None,
        "--higher-is-better",
        "which direction of the metric is a failure; without it, every change counts",
        switches=(
            (False, "--higher-is-better", "only a lower metric is bad"),
            (True, "--lower-is-better", "only a higher metric is bad"),
        ),
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    warning_matches: str | None = option(
        None,
        "--warning-matches",
        "bad if a warning of the script matches; its text is `Category: message`",
        metavar="REGEX",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    output: str | None = option(
        None,
        "--output",
        "compare the values that the script hands to harness.output(NAME, value) with those of the reference; NAME may "
        'be a pattern, for example "*"',
        metavar="NAME",
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    atol: float | None = option(
        None,
        "--atol",
        "allowed difference of an output, absolute",
        metavar="X",
        read=float,
        write=repr,
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )
    rtol: float | None = option(
        None,
        "--rtol",
        "allowed difference of an output, relative to its value; without --atol and --rtol the harness measures what "
        "differs by itself",
        metavar="X",
        read=float,
        write=repr,
        group=OF_JUDGING,
        verbs=_EXECUTING,
    )

    reference: str | None = option(
        None,
        "--reference",
        "release that a metric or an output is compared with; default: the oldest release of the range that can be "
        "tested and is good by itself; with --find-fix the newest",
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
        "auto",
        "--search",
        "sweep: every release; binary: halve the range; noisy: for jobs that are not reproducible; auto (default): measure "
        "what an execution costs, then choose",
        choices=SEARCHES,
        group=OF_SEARCH,
        verbs=_ASKING,
    )
    find_fix: bool = option(
        False, "--find-fix", "look for the release that repaired the job", group=OF_SEARCH, verbs=_ASKING
    )
    any_failure: bool = option(
        False,
        "--any-failure",
        "treat all failures as the same failure",
        group=OF_SEARCH,
        verbs=(*_ASKING, "blame"),
    )
    assume: tuple[tuple[str, str], ...] = option(
        (),
        "--assume",
        "give a release the verdict good, bad or skip and do not execute it; with two packages "
        "PACKAGE==RELEASE=VERDICT; may be repeated",
        metavar="RELEASE=VERDICT",
        read=read_assumption,
        write=_join,
        group=OF_RANGE,
        verbs=_ASKING,
    )
    leave_out: tuple[str, ...] = option(
        (),
        "--leave-out",
        "leave this release out of the range; with two packages PACKAGE==RELEASE; may be repeated",
        metavar="RELEASE",
        group=OF_RANGE,
        verbs=_ASKING,
    )
    confidence: float = option(
        0.95,
        "--confidence",
        "probability that the answer must reach, default 0.95; matters if executions disagree",
        metavar="P",
        read=float,
        write=repr,
        group=OF_SEARCH,
        verbs=_ASKING,
    )
    confirm_on: str | None = option(
        None,
        "--confirm-on",
        "execute the two sides of every boundary on this device too, and compare",
        choices=("cpu", "cuda"),
        group=OF_SEARCH,
        verbs=_ASKING,
    )
    cause: bool = option(
        True,
        "--no-cause",
        "do not look for the cause of a change",
        group=OF_WHY,
        verbs=(*_ASKING, "blame"),
    )
    remedies: bool = option(
        False,
        "--fixes",
        "try every remedy of the scenario on both sides of every boundary and on the newest release",
        group=OF_WHY,
        verbs=_ASKING,
    )
    quick_remedies: bool = option(
        True,
        "--no-fixes",
        "try no remedies; without --fixes and --no-fixes they are tried on the newest bad release and on the first bad "
        "one, if that takes less than five minutes",
        group=OF_WHY,
        verbs=_ASKING,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where probes are executed, how many at a time, and where the report goes: no part of what is asked."""

    jobs: int | None = option(
        None,
        "--jobs",
        "executions at a time; default: as many as cores, memory and GPUs allow",
        metavar="N",
        read=positive,
        group=OF_PLACE,
        verbs=(*_ASKING, "blame"),
    )
    executor: str = option(
        "local",
        "--executor",
        "local (default): this machine; dask: the workers of a dask cluster",
        choices=EXECUTORS,
        group=OF_PLACE,
        verbs=_ASKING,
    )
    scheduler: str | None = option(
        None,
        "--scheduler",
        "address of the dask scheduler, for example tcp://host:8786, or its scheduler file",
        metavar="ADDRESS",
        group=OF_PLACE,
        verbs=_ASKING,
    )
    out: str = option(
        "reports",
        "--out",
        "folder of the reports, default reports",
        metavar="DIR",
        group=OF_PLACE,
        verbs=_ANSWERING,
    )
    environment_cap: float = option(
        DEFAULT_CAP_GB,
        "--environment-cap",
        f"size that all environments together may have, default {DEFAULT_CAP_GB:g}; the least recently used ones are "
        "deleted first",
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
