"""The answer as the page begins with it: a sentence an arm, and what can be said for its truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.boundaries import gravest, tone, verdict_changes
from harness.report.descended import of_the_break
from harness.report.evidence import identical_jobs
from harness.report.text import anchor, arrows, one_line
from harness.report.why import cause_of, confirmed_cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.descended import Row
    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ArmResult, Report


@dataclass(frozen=True, slots=True)
class Badge:
    """A word or two, a tone (good, bad, warn, plain), and the sentence behind it."""

    text: str
    tone: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one arm says.

    Attributes:
        because: The confirmed cause, which belongs to the sentence.
        proof: What shows it.
        change: The commit and the line that did it, as far as they are known.
    """

    id: str
    name: str
    sentence: str
    badges: list[Badge]
    because: str
    proof: str
    change: list[Row]
    notes: list[str]


def answers(report: Report, evidence: Mapping[str, ProbeEvidence]) -> list[Answer]:
    """Return the answers of all arms, the gravest first and the others in their order."""
    first = gravest(report.arms)
    ordered = [first, *(arm for arm in report.arms if arm is not first)] if first else []
    told: set[str] = set()
    return [_answer(report, arm, evidence, told) for arm in ordered]


def _answer(report: Report, arm: ArmResult, evidence: Mapping[str, ProbeEvidence], told: set[str]) -> Answer:
    """Return one arm's answer; a note that was `told` above is not said again."""
    notes = [note for note in arm.notes if note not in told]
    told.update(notes)
    because, proof = confirmed_cause(report, arm)
    return Answer(
        id=anchor("arm", arm.name),
        name=arm.name,
        sentence=arrows(arm.answer),
        badges=[badge for badge in _badges(report, arm, evidence) if badge],
        because=arrows(because),
        proof=arrows(proof if because else cause_of(report, arm)),
        change=[row._replace(said=arrows(row.said)) for row in of_the_break(report, arm)],
        notes=[note for note in (arm.support, *notes, arm.fault) if note],
    )


def _badges(report: Report, arm: ArmResult, evidence: Mapping[str, ProbeEvidence]) -> list[Badge | None]:
    return [
        Badge(arm.conclusion, tone(arm), "The conclusion over all releases."),
        _confirmed(arm),
        _confidence(arm),
        _identical(arm, evidence),
        _deterministic(arm),
        _device(report),
    ]


def _confirmed(arm: ArmResult) -> Badge | None:
    sure = [boundary.confirmed for boundary in verdict_changes(arm)]
    if not sure:
        return None
    if all(sure):
        return Badge(
            "confirmed", "good", "Both sides of every verdict boundary were executed again and agreed."
        )
    if any(sure):
        return Badge(
            f"{sum(sure)} of {len(sure)} confirmed", "warn", "Not every verdict boundary is confirmed."
        )
    return Badge("not confirmed", "warn", "The sides were not executed again, or their executions disagree.")


def _confidence(arm: ArmResult) -> Badge | None:
    if arm.confidence is None:
        return None
    meaning = "Probability that every boundary in verdict lies where it is said to lie, given how often each side fails."
    share = f"{arm.confidence:.0%}" if arm.confidence < 0.995 else "over 99%"
    return Badge(f"{share} sure", "good" if arm.confidence >= 0.9 else "warn", meaning)


def _identical(arm: ArmResult, evidence: Mapping[str, ProbeEvidence]) -> Badge | None:
    same = identical_jobs(arm, evidence)
    if same is None:
        return None
    if same:
        return Badge(
            "identical jobs",
            "good",
            "Every release trained from the same values on the same batches, by digest.",
        )
    return Badge("jobs differ", "bad", "Not every release trained from the same values on the same batches.")


def _deterministic(arm: ArmResult) -> Badge | None:
    if arm.deterministic is None:
        return None
    if arm.deterministic:
        return Badge("deterministic", "good", "Repeated executions gave the same trace bit for bit.")
    return Badge("not deterministic", "warn", "Repeated executions differ; compare beyond their noise.")


def _device(report: Report) -> Badge | None:
    device = report.host.get("device")
    name = report.host.get("gpu") if device and device.startswith("cuda") else report.host.get("cpu")
    return Badge(one_line(device, 40), "plain", one_line(name or device)) if device else None
