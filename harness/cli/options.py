"""Options that several commands share, and what they mean to a question."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.ranges import InOrder, paired
from harness.cli.subject import add_subject, from_bundle, probe_words, subject
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.runs.question import Question

SEARCHES = ("auto", "sweep", "binary", "noisy")
EXECUTORS = ("local", "dask")
DEVICES = ("auto", "cpu", "cuda")
DEFAULT_CAP_GB = 20.0


def positive(text: str) -> int:
    """Read a whole number above 0, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number above 0")
    return value


def add_probing(parser: argparse.ArgumentParser) -> None:
    """Add what decides how a probe is executed."""
    add_subject(parser)
    parser.add_argument(
        "--package",
        action=InOrder,
        metavar="P",
        help="package under test, with extras as jax[cpu]; default: the scenario's; `bisect` takes two",
    )
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="default auto: CUDA where it can be used"
    )
    parser.add_argument(
        "--torch",
        default="auto",
        metavar="SOURCE",
        help="where torch comes from: auto (your configured source, else CUDA where a GPU is, else CPU), "
        "cpu, cuXXX (as cu128), index (as the index serves it), host (the torch that is installed)",
    )
    parser.add_argument(
        "--seeds", type=positive, default=1, metavar="N", help="seeds of every arm, default 1"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting of the job in every arm",
    )
    parser.add_argument("--pre", action="store_true", help="take pre-releases too")
    parser.add_argument(
        "--bundle",
        metavar="FILE",
        help="in place of SCENARIO: take scenario, releases and packages from what `bundle` wrote; no network",
    )


def add_asking(parser: argparse.ArgumentParser) -> None:
    """Add what makes up a question besides how its probes are executed."""
    parser.add_argument(
        "--arm", action="append", metavar="A", help="an arm; may be repeated; default: the scenario's"
    )
    parser.add_argument(
        "--from",
        action=InOrder,
        dest="first",
        metavar="V",
        help="oldest release of the --package before it; default: the scenario's",
    )
    parser.add_argument(
        "--to",
        action=InOrder,
        dest="last",
        metavar="V",
        help="newest release of that package; default: the newest of all",
    )
    parser.add_argument("--search", choices=SEARCHES, default="auto", help="strategy, default auto")
    parser.add_argument(
        "--find-fix", action="store_true", help="look for the release that repaired something"
    )
    parser.add_argument(
        "--any-failure",
        action="store_true",
        help="take every failure for the same one, whatever its fingerprint",
    )
    parser.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="RELEASE=VERDICT",
        help="take good, bad or skip for a release without executing it; may be repeated",
    )
    parser.add_argument(
        "--confidence",
        type=float,
        default=0.95,
        metavar="P",
        help="what the noisy search is to reach, default 0.95",
    )
    parser.add_argument(
        "--no-cause", action="store_true", help="do not find out why the sides of a boundary differ"
    )
    parser.add_argument(
        "--fixes", action="store_true", help="try the scenario's remedies around each boundary"
    )


def question(options: argparse.Namespace, arms: Sequence[str] | None) -> Question:
    """Return the question that the command line asks.

    Raises:
        UsageError: The scenario, an arm or an option is wrong.
    """
    from harness.command import package_under_test  # noqa: PLC0415 - kept out of start-up
    from harness.runs.question import Question, apply_overrides, parse_assumption, parse_override  # noqa: PLC0415

    if len(paired(getattr(options, "ranges", ()))) > 1:
        raise UsageError(f"{options.verb} takes one --package; two of them are a question for `bisect`")
    words = tuple(probe_words(options))  # as they were given, before a bundle decides some of them
    bundle = from_bundle(options) if options.bundle else None
    scenario = subject(options)
    fixes = getattr(options, "fixes", False)
    chosen = apply_overrides(scenario.choose(arms, fixes=fixes), dict(map(parse_override, options.set)))
    package, extras = package_under_test(options.package or scenario.package)
    first, last = scenario.ends(package, getattr(options, "first", None), getattr(options, "last", None))
    return Question(
        scenario=scenario,
        package=package,
        extras=extras,
        arms=chosen,
        first=first,
        last=last,
        prereleases=options.pre or bundle is not None,
        search=getattr(options, "search", "auto"),
        find_fix=getattr(options, "find_fix", False),
        any_failure=getattr(options, "any_failure", False),
        assume=dict(parse_assumption(text) for text in getattr(options, "assume", ())),
        confidence=getattr(options, "confidence", 0.95),
        seeds=options.seeds,
        device=options.device,
        confirm_on=getattr(options, "confirm_on", None),
        torch=options.torch,
        jobs=getattr(options, "jobs", None),
        out=Path(getattr(options, "out", "reports")),
        locks=bundle.locks if bundle else _folder(getattr(options, "locks", None)),
        bundle=bundle,
        environment_cap=int(getattr(options, "environment_cap", DEFAULT_CAP_GB) * 10**9),
        scheduler=_scheduler(options),
        command=getattr(options, "command_line", ""),
        probe_words=words,
        cause=not getattr(options, "no_cause", False),
        fixes=fixes,
    )


def add_executing(parser: argparse.ArgumentParser) -> None:
    """Add where probes are executed, and how many at a time."""
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="probes at a time; default: what the machines allow"
    )
    parser.add_argument(
        "--executor",
        choices=EXECUTORS,
        default="local",
        help="who executes: this machine (default), or the workers of a dask cluster",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of the dask cluster, as tcp://host:8786, or its scheduler's file",
    )


def _scheduler(options: argparse.Namespace) -> str | None:
    executor, address = getattr(options, "executor", "local"), getattr(options, "scheduler", None)
    if executor == "dask" and not address:
        raise UsageError("--executor dask: needs --scheduler ADDRESS, as tcp://host:8786")
    if executor == "local" and address:
        raise UsageError(f"--scheduler {address}: belongs to --executor dask")
    return address


def _folder(name: str | None) -> Path | None:
    if name is None:
        return None
    for folder in (Path(name) / "locks", Path(name)):
        if (folder / "reference.txt").is_file():
            return folder.resolve()
    raise UsageError(
        f"--locks {name}: expected a run's folder, or the folder of its locks, with a reference.txt"
    )


def find_run(name: str, out: str) -> Path:
    """Return the folder of a stored run, given by its path or by its name in the reports folder.

    Raises:
        UsageError: There is no run.
    """
    for folder in (Path(name), Path(out) / name):
        if (folder / "report.json").is_file():
            return folder.resolve()
        if (folder / "pair.json").is_file():
            runs = ", ".join(
                str(path.parent) for path in sorted(folder.resolve().glob("runs/[0-9]*/report.json"))
            )
            raise UsageError(
                f"{folder}: a question about two packages; name one of its runs: {runs or 'none'}"
            )
    known = sorted(path.parent.name for path in Path(out).glob("*/report.json"))
    raise UsageError(
        f"no run {name!r}: expected a folder with a report.json; in {out}{os.sep}: {', '.join(known) or 'none'}"
    )


def command_line(words: Sequence[str]) -> str:
    """Return a command line that asks the same question again."""
    return shlex.join(["python", "-m", "harness", *words])
