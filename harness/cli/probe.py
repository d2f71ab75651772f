"""`probe`: execute one release."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.cli.questions import add_question, read_place, read_question
from harness.model.commands import OF_FIRST, OF_JOB

if TYPE_CHECKING:
    import argparse

    from harness.model.question import Place, Question
    from harness.releases.release import Release
    from harness.sessions.asked import Asked
    from harness.sessions.axes import AskedAxes
    from harness.sessions.finding import Finding
    from harness.sessions.session import Session
    from harness.state import State

EXIT = {"good": 0, "bad": 1, "skip": 125}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    groups = add_question(parser, "probe")
    first = groups[OF_FIRST]
    first.add_argument(
        "--release",
        required=True,
        metavar="V",
        help="the release to execute, required; of a question about two packages P==V,Q==W: P varies, Q is held",
    )
    first.add_argument("--arm", metavar="A", help="the arm to execute; default: the scenario's first")
    groups[OF_JOB].add_argument(
        "--repeat",
        type=int,
        default=0,
        metavar="N",
        help="number of the execution, default 0; with 1, 2 and so on the release is executed again",
    )


def run(options: argparse.Namespace) -> int:
    """Execute the probe, or take its stored result, and print what it gave."""
    from harness.sessions.axes import ask_axes  # noqa: PLC0415 - kept out of start-up
    from harness.sessions.prepare import prepare  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    question, place, state = read_question(options), read_place(options), State.find()
    if options.arm:
        question = replace(question, job=replace(question.job, arms=(options.arm,)))
    axes = ask_axes(question, place, state)
    if axes is None:
        asked, releases, wanted = _release(question, place, state, options.release)
    else:
        asked, releases, wanted = _pair(axes, state, options.release)
    position = releases.index(wanted)
    with prepare(asked, releases, state, _silent, warm=False) as session:
        finding = _observe(session, position, options.repeat)
    for note in session.executor.notes:
        print(f"warning: {note}", file=sys.stderr)
    held = f" with {asked.held}" if asked.held else ""
    said = f"{finding.verdict.value}, {finding.judgement.reason}"
    print(f"{asked.package} {wanted.version}{held} {asked.arms[0].name}: {said}")
    for one in finding.seeds():
        if one.result is not None:
            print(f"trace and output: {one.result.folder}")
    return EXIT[finding.verdict.value]


def _release(
    question: Question, place: Place, state: State, release: str
) -> tuple[Asked, list[Release], Release]:
    """Return a question about one package made ready, the releases of its session, and the one that is asked for."""
    from packaging.version import Version  # noqa: PLC0415 - kept out of start-up

    from harness.releases.release import select  # noqa: PLC0415
    from harness.sessions.asked import ask  # noqa: PLC0415

    asked = ask(question, state, place)
    listing = asked.source.listing(asked.package, state)
    (wanted,) = select(listing.releases, package=asked.package, first=release, last=release)
    # The whole range, so that what all are locked and compared with is what a run of this question has.
    releases = sorted({*asked.select(listing.releases), wanted}, key=lambda one: Version(one.version))
    return asked, releases, wanted


def _pair(axes: AskedAxes, state: State, pair: str) -> tuple[Asked, list[Release], Release]:
    """Return the part of a question about two packages that has a pair, its releases, and the one that is asked for."""
    from harness.sessions.prepare import prepare  # noqa: PLC0415 - kept out of start-up
    from harness.verdicts.oracles import compares  # noqa: PLC0415

    axes, wanted_pair = replace(axes, arms=axes.arms[:1]), axes.read_pair(pair)
    found, _ = axes.releases(state)
    releases = {one.package: several for one, several in zip(axes.ranges, found, strict=True)}
    part = axes.part_with(wanted_pair, found)
    asked = axes.ask(part, state, axes.out)
    if compares(axes.scenario.oracle):
        compared = axes.lines(found, every=False)[0]
        of_pair = axes.ask(compared, state, axes.out)
        with prepare(of_pair, releases[compared.package], state, _silent, warm=False) as session:
            calibrations = axes.compare(session, compared, sum(map(len, found)))
        asked = replace(asked, calibrations=calibrations)
    (wanted,) = (one for one in releases[part.package] if one.version == wanted_pair[part.package])
    return asked, releases[part.package], wanted


def _observe(session: Session, position: int, repeat: int) -> Finding:
    """Execute a release in the session's first arm, compared with what the arm is compared with."""
    from harness.sessions.calibrate import calibrate  # noqa: PLC0415 - kept out of start-up
    from harness.sessions.observation import observe  # noqa: PLC0415

    arm = session.asked.arms[0]
    calibrate(session, arm)
    finding = observe(session, arm, position, repeat)
    if session.executor.repaired():  # a job changed files of its environment: what came after that is gone
        session.calibrations.clear()
        calibrate(session, arm)
        finding = observe(session, arm, position, repeat)
    return finding


def _silent(*_: object) -> None:
    """Say nothing of what is made ready."""
