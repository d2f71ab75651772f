"""`bisect` with two packages: what each part of it asks, and the answer on a terminal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.pairs.model import PairReport
    from harness.pairs.question import PairQuestion, Part
    from harness.runs.question import Question

_ONE_ONLY = ("shard", "locks", "bundle", "assume")
"""Options that mean the releases of one package."""


def pair_question(options: argparse.Namespace) -> PairQuestion | None:
    """Return what the command line asks of two packages, or None if it asks of one.

    Raises:
        UsageError: As `both` says; or an option is given that two packages cannot have.
    """
    if options.bundle:
        return None
    from harness.cli.options import question  # noqa: PLC0415 - kept out of start-up
    from harness.cli.ranges import both  # noqa: PLC0415
    from harness.cli.subject import subject  # noqa: PLC0415
    from harness.pairs.question import PairQuestion  # noqa: PLC0415

    given = getattr(options, "ranges", ())
    ranges = both(given, subject(options))
    if ranges is None:
        return None
    for name in _ONE_ONLY:
        if getattr(options, name):
            raise UsageError(
                f"--{name} and two packages ({' and '.join(one.package for one in ranges)}): "
                f"--{name} belongs to a question about one; hold the other one, as in --with PACKAGE==VERSION"
            )
    first = question(_narrowed(options, ranges[0].package), options.arm)
    return PairQuestion(
        scenario=first.scenario,
        ranges=ranges,
        arms=first.arms,
        ask=lambda part: _ask(options, part),
        out=Path(options.out),
        prereleases=options.pre,
        command=options.command_line,
    )


def _narrowed(options: argparse.Namespace, package: str) -> argparse.Namespace:
    """Return the options of a question about one of the packages."""
    named = argparse.Namespace(**vars(options))
    named.package, named.first, named.last, named.ranges = package, None, None, ()
    return named


def _ask(options: argparse.Namespace, part: Part) -> Question:
    from harness.cli.options import command_line, question  # noqa: PLC0415 - kept out of start-up

    named = _narrowed(options, part.package)
    held = f"{part.held}=={part.version}"
    named.first, named.last, named.arm, named.out = part.first, part.last, list(part.arms), str(part.out)
    named.pins = [*options.pins, held]
    own = ["--package", part.package, "--from", part.first, "--to", part.last, "--with", held]
    words = list(_without_ranges(options.words))
    at = words.index("--") if "--" in words else len(words)
    named.command_line = command_line([*words[:at], *own, *words[at:]])
    return question(named, named.arm)


def _without_ranges(words: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command line without --package, --from and --to and what they say."""
    left = iter(words)
    for word in left:
        if word == "--":
            yield word
            yield from left
            return
        name, equals, _ = word.partition("=")
        if name == "--to" or any(len(name) > 3 and one.startswith(name) for one in ("--package", "--from")):
            if not equals:
                next(left, None)
        else:
            yield word


def run_pair(asked: PairQuestion, *, fail_on_regression: bool) -> int:
    """Answer the question, print the answer, return the exit status.

    Raises:
        KeyboardInterrupt: It was interrupted; its report is written.
    """
    from harness.cli.progress import watcher  # noqa: PLC0415 - kept out of start-up
    from harness.home import Home  # noqa: PLC0415
    from harness.pairs.run import bisect_pair  # noqa: PLC0415

    with watcher() as watched:
        done = bisect_pair(asked, Home.find(), watched)
    show_pair(done.report, done.folder)
    if done.interrupted:
        raise KeyboardInterrupt
    return pair_status(done.report, fail_on_regression=fail_on_regression)


def find_pair(name: str, out: str) -> Path | None:
    """Return the folder of a stored answer about two packages; None if there is none of that name."""
    found = (folder for folder in (Path(name), Path(out) / name) if (folder / "pair.json").is_file())
    return next((folder.resolve() for folder in found), None)


def show_pair(report: PairReport, folder: Path) -> None:
    """Print the answer of each arm, what it rests on, and where the report lies."""
    from rich.console import Console  # noqa: PLC0415 - kept out of start-up

    from harness.cli.answer import show_arm  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    for arm in report.arms:
        show_arm(console, arm)
        for one in arm.changes:
            sure = "confirmed" if one.confirmed else "not confirmed"
            said = f"  {one.package} {one.before} -> {one.after}  {one.kind} with {one.held} {one.version}, {sure}"
            console.print(said, markup=False)
        for note in arm.notes:
            console.print(f"  {note}", markup=False, style="dim")
    console.print(f"report: {folder / 'index.html'}", markup=False)


def pair_status(report: PairReport, *, fail_on_regression: bool = False) -> int:
    """Return 3 if an arm is inconclusive, 1 for a located regression if that is asked for, else 0."""
    from harness.cli.answer import INCONCLUSIVE, REGRESSION  # noqa: PLC0415 - kept out of start-up

    if fail_on_regression and any(one.kind == "regressed" for arm in report.arms for one in arm.changes):
        return REGRESSION
    return INCONCLUSIVE if any(arm.conclusion == "inconclusive" for arm in report.arms) else 0
