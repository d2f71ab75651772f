"""`bundle`: a whole question in one file, for a machine without a network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.questions import add_axes, read_axes
from harness.errors import UsageError
from harness.model.options import add_options, read_options
from harness.model.question import Holds, Place, Question, Subject
from harness.words import counted

if TYPE_CHECKING:
    import argparse

    from harness.packing.pack import Packed
    from harness.state import State

_SHOWN = 8
"""Packages told by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("scenario", metavar="SCENARIO", help="name of a scenario, or path of its folder")
    parser.add_argument("--to", required=True, metavar="FILE", help="the file to write, required")
    add_axes(parser, to="--until")
    add_options(parser, Holds, "bundle")
    parser.add_argument(
        "--torch",
        default="index",
        choices=("index", "host"),
        help="index (default): the bundle has the torch that your index serves; host: the bundle has no torch, and the target "
        "uses the torch that it has installed",
    )
    parser.add_argument(
        "--host-packages",
        metavar="FILE",
        help="output of `pip freeze` on the target, for --torch host: packages that the target has in the same version are left out",
    )
    parser.add_argument(
        "--python-version",
        metavar="V",
        help="Python of the target, for example 3.11; default: the Python here",
    )
    parser.add_argument(
        "--platform",
        metavar="P",
        help="platform of the target, linux-x86_64 or linux-aarch64; default: the platform here",
    )

    parser.add_argument(
        "--selftest",
        action="store_true",
        help="pack the releases that `selftest` executes; `python FILE` without arguments then runs it",
    )


def run(options: argparse.Namespace) -> int:
    """Write the bundle and tell its size."""
    from harness.packing.host import read_freeze  # noqa: PLC0415 - kept out of start-up
    from harness.packing.pack import pack  # noqa: PLC0415
    from harness.sessions.lines import lines  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    path = Path(options.to)
    if options.host_packages and options.torch != "host":
        raise UsageError("--host-packages goes with --torch host: the packages are taken from beside torch")
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"--to {path}: expected the name of a file in a folder that exists")
    question = Question(
        subject=Subject(scenario=options.scenario),
        axes=read_axes(getattr(options, "ranges", ()), to="--until"),
        holds=read_options(Holds, options),
    )
    state = State.find()
    if options.selftest:
        question = _of_selftest(question, state)
    packed = pack(
        lines(question, Place(), state, every=True),
        path,
        state,
        lambda line: print(line, file=sys.stderr),
        python=options.python_version,
        platform=options.platform,
        pins=options.pins,
        host_packages=read_freeze(Path(options.host_packages)) if options.host_packages else None,
        without_arguments=["selftest"] if options.selftest else ["--help"],
    )
    _show(
        path, packed, host=options.torch == "host", words="" if options.selftest else " bisect --device cuda"
    )
    return 0


def _of_selftest(question: Question, state: State) -> Question:
    """Return the question about the releases that the self-test executes.

    Raises:
        UsageError: It is about another scenario, or about a range.
    """
    from harness.selftest.bench import narrowed  # noqa: PLC0415 - kept out of start-up
    from harness.selftest.plan import read_plan  # noqa: PLC0415

    plan = read_plan()
    if question.subject.scenario != plan.scenario:
        raise UsageError(f"--selftest: its scenario is {plan.scenario}, not {question.subject.scenario}")
    if question.axes:
        raise UsageError(
            "--selftest: it says which releases it needs; leave --package, --from and --until out"
        )
    return narrowed(plan, question, Place(), state, "cuda")


def _show(path: Path, packed: Packed, *, host: bool, words: str) -> None:
    target = packed.target
    left = ", torch left to the target" if host else ""
    print(
        f"{path}: {_megabytes(packed.size)}, {_releases(packed)}, "
        f"for Python {target.python} on {target.platform}{left}"
    )
    if packed.itself:
        print(f"  {_megabytes(packed.itself):>9}  the harness itself: python {path.name}{words}")
    else:
        print(f"  without the harness: install it on the target ({packed.without_itself})")
    ordered = sorted(packed.packages.items(), key=lambda item: -item[1][1])
    total = sum(size for _, (_, size) in ordered)
    print(
        f"  {_megabytes(packed.size - packed.itself):>9}  packages and locks; as the index has them {_megabytes(total)}:"
    )
    for name, (count, size) in ordered[:_SHOWN]:
        print(f"  {_megabytes(size):>9}  {name}" + (f", {count} releases" if count > 1 else ""))
    if packed.left:
        print(
            f"  {'0.0 MB':>9}  {counted(len(packed.left), 'package')} left to the target: {', '.join(packed.left)}"
        )
    rest = ordered[_SHOWN:]
    if rest:
        print(f"  {_megabytes(sum(size for _, (_, size) in rest)):>9}  {counted(len(rest), 'other package')}")
    for version, reason in packed.unlocked.items():
        print(f"  {version} will be skipped, it cannot be resolved: {reason}")
    for name in packed.unfit:
        print(f"  {name} has no wheel that fits: the target has to build it, or skips what needs it")
    for name in packed.missing:
        print(f"  {name} is left out, no source has its files: what needs it will be skipped")


def _releases(packed: Packed) -> str:
    if len(packed.releases) == 1:
        (count,) = packed.releases.values()
        return counted(count, "release")
    return " and ".join(f"{counted(count, 'release')} of {name}" for name, count in packed.releases.items())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
