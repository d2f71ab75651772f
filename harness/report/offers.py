"""Commands that a run offers for what it cannot tell itself: a comparison of environments, or another package."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from packaging.utils import canonicalize_name

from harness.model.codec import from_plain
from harness.model.commands import shell
from harness.model.question import Axis, Ends, Plan, Question
from harness.report.boundaries import newest_tested, verdict_changes
from harness.report.policies import alike, sentence
from harness.search.boundaries import Conclusion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.report.model import ArmResult, Report


class Offer(NamedTuple):
    """A command, and what it would find, as the beginning of a sentence that the command ends."""

    said: str
    command: str


def offers(report: Report, folder: str) -> list[Offer]:
    """Return the commands that would decide what a run about one package leaves open.

    Args:
        report: Of the run.
        folder: Of the run, as the commands name it.
    """
    if not report.question or report.blame is not None or report.axes:
        return []
    question = from_plain(Question, report.question)
    if question.subject.bundle:
        return []
    return [
        *_no_release(report, question, folder),
        *_raised_elsewhere(report, question),
        *_policies(report, question, folder),
    ]


def _no_release(report: Report, question: Question, folder: str) -> Iterator[Offer]:
    """Yield the comparison with another environment, for a run in which no release is to blame.

    That is: an arm is never good, or all arms are always good.
    """
    tested = [(arm, newest) for arm in report.arms if (newest := newest_tested(arm.releases))]
    never = [(arm, newest) for arm, newest in tested if arm.conclusion == Conclusion.NEVER_GOOD]
    for arm, newest in never[:1]:
        command = _blame(question, arm.name, "ENV", f"{folder}/locks/{newest.version}.txt")
        yield Offer("if it works in another environment, what changed is found by", command)
    if all(arm.conclusion == Conclusion.ALWAYS_GOOD for arm in report.arms):
        for arm, newest in tested[:1]:
            command = _blame(question, arm.name, f"{folder}/locks/{newest.version}.txt", "ENV")
            yield Offer("if it fails in another environment, what changed is found by", command)


def _raised_elsewhere(report: Report, question: Question) -> Iterator[Offer]:
    """Yield a search over the releases of the package whose code raises the error, where it is another one."""
    seen: set[str] = set()
    for arm in report.arms:
        for version, raised in _errors(arm):
            name = canonicalize_name(raised)
            if name in (canonicalize_name(report.package), *seen):
                continue
            seen.add(name)
            asked = replace(
                question,
                axes=(Axis(package=name),),
                holds=replace(
                    question.holds, pins=(*question.holds.pins, f"{report.package}=={version}"), locks=None
                ),
                job=question.job if question.subject.command else replace(question.job, arms=(arm.name,)),
                plan=replace(question.plan, assume=(), leave_out=()),
            )
            yield Offer(
                f"the error of {version} is raised in {name}; whether its release matters is found by",
                shell(asked.to_argv("bisect")),
            )


def _errors(arm: ArmResult) -> Iterator[tuple[str, str]]:
    """Yield (release, package that raised its error) of the bad side of every regression; of the newest if never good."""
    rows = {row.version: row for row in arm.releases}
    bad = [one.after for one in verdict_changes(arm) if one.kind == "regressed"]
    newest = newest_tested(arm.releases)
    if arm.conclusion == "never-good" and newest is not None:
        bad.append(newest.version)
    for version in reversed(bad):
        if version in rows and rows[version].raised_in:
            yield version, rows[version].raised_in


def _policies(report: Report, question: Question, folder: str) -> Iterator[Offer]:
    """Yield the comparison of both locks of a release about which the two policies disagree, the newest of several."""
    for releases in alike(report.policies):
        newest = releases[-1]
        good, bad = newest.locks(folder)
        yield Offer(
            f"{sentence(releases)}; what does it to {newest.version} is found by",
            _blame(question, newest.arm, good, bad),
        )


def _blame(question: Question, arm: str, good: str, bad: str) -> str:
    asked = replace(
        question,
        axes=(),
        ends=Ends(good=good, bad=bad),
        holds=replace(question.holds, policy="fixed", locks=None),
        job=replace(question.job, arms=() if question.subject.command else (arm,)),
        plan=Plan(any_failure=question.plan.any_failure, cause=question.plan.cause),
    )
    return shell(asked.to_argv("blame"))
