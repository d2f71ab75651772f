"""Every probe as the page lists it: a line, the facts behind it, and its log to be shown when asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.report.curves import lines
from harness.report.evidence import trace_of
from harness.report.folding import Column, columns
from harness.report.ranks import ranks_in_words, stacks_in_words
from harness.report.strip import day
from harness.report.text import anchor, clean, memory, number, one_line, seconds
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ArmResult, ReleaseResult, Report


LOG_LIMIT = 8_000
ALL_LOGS_LIMIT = 600_000


@dataclass(frozen=True, slots=True)
class Probe:
    """One line of the list.

    Attributes:
        id: For deep links.
        version, verdict, reason, training: The line.
        facts: (name, value) pairs; a value may have several lines.
        command: Runs it again; empty if there is none.
        series: Position of its class of equal traces among those with curves, or None.
        logged: Whether it has a log.
    """

    id: str
    version: str
    verdict: str
    reason: str
    training: str
    facts: list[tuple[str, str]]
    command: str
    series: int | None
    logged: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The probes of one arm; `counts` as `23 good, 11 bad`."""

    id: str
    name: str
    counts: str
    parameters: str
    probes: list[Probe]


def groups(report: Report, evidence: Mapping[str, ProbeEvidence]) -> list[Group]:
    """Gather the probes of every arm."""
    axis = columns(report, evidence)
    return [_group(arm, axis, evidence) for arm in report.arms]


def logs(report: Report, evidence: Mapping[str, ProbeEvidence]) -> dict[str, str]:
    """Return {id of a probe: its log, harmless and capped, so that all of them together stay small}."""
    written = {
        anchor("probe", arm.name, release.version): evidence[release.probe].log
        for arm in report.arms
        for release in arm.releases
        if release.probe and release.probe in evidence and evidence[release.probe].log
    }
    limit = min(LOG_LIMIT, ALL_LOGS_LIMIT // max(1, len(written)))
    return {probe: clean(log, limit) for probe, log in written.items()}


def _group(arm: ArmResult, axis: Sequence[Column], evidence: Mapping[str, ProbeEvidence]) -> Group:
    count = Counter(release.standing for release in arm.releases)
    known = [word for word in ("good", "bad", "skip", "inferred", "untested") if count[word]]
    classes = {
        version: index for index, line in enumerate(lines(arm, evidence)) for version in line.group.versions
    }
    return Group(
        id=anchor("probes", arm.name),
        name=arm.name,
        counts=", ".join(f"{count[word]} {word}" for word in known),
        parameters=", ".join(
            f"{name} = {one_line(str(value), 80)}" for name, value in arm.parameters.items()
        ),
        probes=[
            replace(probe, version=label) if label else probe
            for release, label in _shown(arm, axis)
            for probe in [_probe(arm, release, evidence, classes.get(release.version))]
        ],
    )


def _shown(arm: ArmResult, axis: Sequence[Column]) -> Iterator[tuple[ReleaseResult, str]]:
    """Yield the releases that have a line, and what it is called where it stands for several that nobody executed."""
    rows = {release.version: release for release in arm.releases}
    for column in axis:
        members = [rows[version] for version in column.versions if version in rows]
        if len(members) > 1 and members[0].standing == "untested":
            yield members[0], f"{one_line(column.label, 120)} ({counted(len(members), 'release')})"
        else:
            yield from ((member, "") for member in members)


def _probe(
    arm: ArmResult, release: ReleaseResult, evidence: Mapping[str, ProbeEvidence], series: int | None
) -> Probe:
    found = evidence.get(release.probe) if release.probe else None
    return Probe(
        id=anchor("probe", arm.name, release.version),
        version=one_line(release.version, 60),
        verdict=release.standing,
        reason=one_line(release.reason, 240),
        training=seconds(release.seconds.get("training")),
        facts=[(name, value) for name, value in _facts(release, evidence) if value],
        command=release.command,
        series=series,
        logged=bool(found and found.log),
    )


def _facts(release: ReleaseResult, evidence: Mapping[str, ProbeEvidence]) -> list[tuple[str, str]]:
    trace = trace_of(release, evidence)
    effect = release.effect or {}
    bound = f" (bound {number(effect.get('bound'))})" if effect.get("bound") is not None else ""
    events = [
        f"step {event.get('step')}, {event.get('phase')}: {event.get('what')} {event.get('parameter') or ''}"
        f" ({event.get('count')} of {event.get('of')})"
        for event in (trace.nonfinite if trace else ())
    ]
    end = (trace.end or {}) if trace else {}
    return [
        ("Reason", clean(release.reason)),
        (
            "Fingerprint",
            ", ".join(f"{key}: {one_line(str(value))}" for key, value in (release.fingerprint or {}).items()),
        ),
        ("Effect", f"{effect.get('name')}: {number(effect.get('value'))}{bound}" if effect else ""),
        ("First non-finite", clean("\n".join(events))),
        (
            "Steps",
            f"{len(trace.steps)}{', ' + one_line(str(end['reason'])) if end.get('reason') else ''}"
            if trace
            else "",
        ),
        ("Ranks", ranks_in_words(trace)),
        ("Stacks", stacks_in_words(trace)),
        ("Seeds", _seeds(release)),
        ("Repeated", ", ".join(release.repeats)),
        (
            "Time",
            ", ".join(
                f"{name} {seconds(value)}" for name, value in release.seconds.items() if value is not None
            ),
        ),
        ("Peak memory", memory(release.memory_peak) if release.memory_peak else ""),
        ("Uploaded", f"{day(release.uploaded)}{' (yanked)' if release.yanked else ''}"),
        ("Lock", release.lock or ""),
        ("Probe", release.probe or ""),
        (
            "First steps",
            ", ".join(one["probe"] for one in release.prefix.executions) if release.prefix else "",
        ),
        ("Trace", release.trace or ""),
    ]


def _seeds(release: ReleaseResult) -> str:
    """Return the verdict of every seed of the first execution, where there are several."""
    firsts = [item for item in release.executions if item["repeat"] == 0]
    said = [f"{item['seed']} {item['verdict']}" for item in firsts]
    return ", ".join(said) if len(said) > 1 else ""
