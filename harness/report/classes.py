"""Releases grouped by what they share: classes of equal traces, segments between boundaries, places of change."""

from __future__ import annotations

import hashlib
import json
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.boundaries import strength
from harness.report.evidence import probes_of, trace_of
from harness.report.gaps import gap_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ArmResult, BoundaryResult, Report

MOST_LETTERS = 12


@dataclass(frozen=True, slots=True)
class TraceClass:
    """Releases whose trainings were equal bit for bit.

    Attributes:
        name: A letter, or the version where letters would say nothing.
        versions: Its releases, oldest first.
        span: The same as a person says it: `0.3.0-0.6.2, 0.12.0`.
        verdict: Of its first release.
        probe: Digest of the probe that stands for all of them: that of the worst seed.
        probes: {seed: digest of its probe}, the one above among them.
        trace: The digest that they share, of all seeds.
    """

    name: str
    versions: tuple[str, ...]
    span: str
    verdict: str
    probe: str
    probes: Mapping[int, str]
    trace: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One boundary as one or more arms show it alike; `gap`: what is known of the releases between its sides."""

    arms: tuple[str, ...]
    boundary: BoundaryResult
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Two neighbouring releases and everything that differs between them, strongest signal first."""

    before: str
    after: str
    entries: tuple[Entry, ...]

    @property
    def decisive(self) -> bool:
        """Whether a verdict differs here."""
        return any(entry.boundary.signal == "verdict" for entry in self.entries)


def trace_classes(arm: ArmResult) -> list[TraceClass]:
    """Return the classes of equal traces of an arm, in the order of their first release."""
    order = [release.version for release in arm.releases]
    members: dict[str, list[int]] = {}
    for position, release in enumerate(arm.releases):
        if release.trace and release.probe:
            members.setdefault(release.trace, []).append(position)
    traced = sum(len(positions) for positions in members.values())
    lettered = len(members) <= MOST_LETTERS and len(members) < traced
    found = []
    for index, (trace, positions) in enumerate(members.items()):
        first = arm.releases[positions[0]]
        found.append(
            TraceClass(
                name=string.ascii_uppercase[index] if lettered else first.version,
                versions=tuple(order[position] for position in positions),
                span=span(positions, order),
                verdict=first.verdict,
                probe=first.probe or "",
                probes=probes_of(first),
                trace=trace,
            )
        )
    return found


def equal_traces(report: Report) -> list[tuple[list[str], list[tuple[str, str]]]]:
    """Return ([arms], [(name, span)]) of the classes of more than one release; arms that agree share one."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for arm in report.arms:
        spans = tuple((group.name, group.span) for group in trace_classes(arm) if len(group.versions) > 1)
        if spans:
            found.setdefault(spans, []).append(arm.name)
    return [(arms, list(spans)) for spans, arms in found.items()]


def span(positions: Iterable[int], order: Sequence[str]) -> str:
    """Return ascending positions as ranges of versions: `0.3.0-0.6.2, 0.12.0` (with an en dash)."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and position == runs[-1][1] + 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return ", ".join(
        order[first] if first == last else f"{order[first]}\N{EN DASH}{order[last]}" for first, last in runs
    )


def segments(arm: ArmResult, signal: str, keys: Mapping[str, str]) -> dict[str, str]:
    """Return the letter of the segment in which each release lies: cut at the boundaries of one signal.

    Args:
        arm: Whose boundaries cut.
        signal: census or trace.
        keys: What a release showed, as a digest; segments that begin with the same digest share their letter.

    Returns:
        {version: letter} of the releases that have a key.
    """
    cuts = {boundary.after for boundary in arm.boundaries if boundary.signal == signal}
    letters: dict[str, str] = {}
    used: dict[str, str] = {}
    current = ""
    for release in arm.releases:
        version = release.version
        if version in keys and (version in cuts or not current):
            letter = used.get(keys[version])
            if letter is None or letter == current:
                count = len(set(used.values()))
                letter = string.ascii_uppercase[count] if count < 26 else f"{count + 1}"
            used[keys[version]] = current = letter
        if version in keys:
            letters[version] = current
    return letters


def trace_keys(arm: ArmResult) -> dict[str, str]:
    """Return {version: digest of its trace} of the releases that trained."""
    return {release.version: release.trace for release in arm.releases if release.trace}


def census_keys(arm: ArmResult, evidence: Mapping[str, ProbeEvidence]) -> dict[str, str]:
    """Return {version: digest of its census} of the releases whose census is at hand."""
    keys = {}
    for release in arm.releases:
        trace = trace_of(release, evidence)
        if trace and trace.census:
            parameters = [
                [item.get(field) for field in ("name", "dtype", "shape", "trainable")]
                for item in trace.census.get("parameters", [])
            ]
            keys[release.version] = hashlib.sha256(
                json.dumps(sorted(parameters, key=str)).encode()
            ).hexdigest()
    return keys


def places(report: Report) -> list[Place]:
    """Return every place of change over all arms, oldest first; arms that say the same share an entry."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for arm in report.arms:
        for boundary in arm.boundaries:
            between = gap_of(boundary, arm.releases)
            entries = found.setdefault((boundary.before, boundary.after), [])
            for index, entry in enumerate(entries):
                if (entry.boundary, entry.gap) == (boundary, between):
                    entries[index] = Entry((*entry.arms, arm.name), boundary, between)
                    break
            else:
                entries.append(Entry((arm.name,), boundary, between))
    order = {version: position for position, version in enumerate(versions(report))}
    return [
        Place(before, after, tuple(sorted(entries, key=lambda entry: strength(entry.boundary.signal))))
        for (before, after), entries in sorted(
            found.items(), key=lambda item: (order.get(item[0][1], 0), order.get(item[0][0], 0))
        )
    ]


def versions(report: Report) -> list[str]:
    """Return all releases of all arms in one order that keeps every arm's own."""
    merged: list[str] = []
    known: set[str] = set()
    for arm in report.arms:
        last = -1
        for release in arm.releases:
            version = release.version
            if version not in known:
                last += 1
                merged.insert(last, version)
                known.add(version)
            elif merged[last + 1 : last + 2] == [version]:  # arms nearly always have the same releases
                last += 1
            else:
                last = merged.index(version)
    return merged
