"""`probe`: execute one release."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.cli.questions import add_question, read_place, read_question
from harness.model.commands import OF_FIRST, OF_JOB

if TYPE_CHECKING:
    import argparse

EXIT = {"good": 0, "bad": 1, "skip": 125}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    groups = add_question(parser, "probe")
    first = groups[OF_FIRST]
    first.add_argument("--release", required=True, metavar="V", help="the release to execute, required")
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
    from packaging.version import Version  # noqa: PLC0415 - kept out of start-up

    from harness.releases.release import select  # noqa: PLC0415
    from harness.sessions.asked import ask  # noqa: PLC0415
    from harness.sessions.calibrate import calibrate  # noqa: PLC0415
    from harness.sessions.observation import observe  # noqa: PLC0415
    from harness.sessions.prepare import prepare  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    question, state = read_question(options), State.find()
    if options.arm:
        question = replace(question, job=replace(question.job, arms=(options.arm,)))
    asked = ask(question, state, read_place(options))
    listing = asked.source.listing(asked.package, state)
    (wanted,) = select(listing.releases, package=asked.package, first=options.release, last=options.release)
    # The whole range, so that what all are locked and compared with is what a run of this question has.
    releases = sorted({*asked.select(listing.releases), wanted}, key=lambda one: Version(one.version))
    position = releases.index(wanted)
    arm = asked.arms[0]
    with prepare(asked, releases, state, lambda *_: None, warm=False) as session:
        calibrate(session, arm)
        finding = observe(session, arm, position, options.repeat)
        if (
            session.executor.repaired()
        ):  # a job changed files of its environment: what came after that is gone
            session.calibrations.clear()
            calibrate(session, arm)
            finding = observe(session, arm, position, options.repeat)
    for note in session.executor.notes:
        print(f"warning: {note}", file=sys.stderr)
    said = f"{finding.verdict.value}, {finding.judgement.reason}"
    print(f"{asked.package} {wanted.version} {arm.name}: {said}")
    for one in finding.seeds():
        if one.result is not None:
            print(f"trace and output: {one.result.folder}")
    return EXIT[finding.verdict.value]
