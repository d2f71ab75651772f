"""The answer about two packages in one or two sentences that a person can quote, never more than what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.search.boundaries import Conclusion
from harness.search.grid import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.pairs.model import CellResult, PackageRange, PairChange, PartResult
    from harness.search.grid import Cell, GridAnswer

_OTHER = {"good": "bad", "bad": "good"}


class Words:
    """Puts what was found in one arm into words.

    Args:
        job: What the job is called.
        packages: Both, with their releases.
        cells: All that have a verdict.
    """

    def __init__(self, job: str, packages: Sequence[PackageRange], cells: Mapping[Cell, CellResult]) -> None:
        self.job = job
        self.packages = packages
        self.cells = cells

    def sentence(self, found: GridAnswer, changes: Sequence[PairChange], ends: Sequence[Cell]) -> str:
        """Return the answer.

        Args:
            found: What the grid says.
            changes: Its changes, as facts.
            ends: The grid's corners.
        """
        if found.shape == Shape.UNTESTABLE:
            return self._untestable(found, ends)
        if found.conclusion == Conclusion.INCONCLUSIVE:
            return f"Inconclusive: {self._open(found, changes)}."
        if found.shape == Shape.ALIKE:
            return self._alike(found)
        if found.shape == Shape.ONE:
            return self._one(found, changes)
        if found.shape == Shape.EACH:
            return self._each(found, changes)
        return self._pair(found, changes)

    def notes(self, found: GridAnswer, ends: Sequence[Cell], disputed: Sequence[Cell]) -> list[str]:
        """Return which cells stand for corners that cannot be tested, and which contradict each other."""
        moved = [
            (end, cell) for end, cell in zip(ends, found.corners, strict=True) if cell not in (None, end)
        ]
        notes = [
            f"{self.name(end)} cannot be tested ({self._reason(end)}); {self.name(cell)} stands for that corner"
            for end, cell in moved
            if cell is not None
        ]
        bad = {self._reason(cell): cell for cell in found.corners if cell and self.verdict(cell) == "bad"}
        if len(bad) > 1:
            told = "; ".join(f"{self.name(cell)}: {reason}" for reason, cell in bad.items())
            notes.append(f"The bad corners do not all say the same: {told}")
        return notes + [
            f"{self.name(cell)} is good in one run and bad in another: the two may have other packages in "
            "other releases, or the job is not reproducible"
            for cell in disputed
        ]

    def name(self, cell: Cell) -> str:
        """Name both releases of a cell."""
        (first, second), (one, other) = self.packages, cell
        return f"{first.package} {first.versions[one]} with {second.package} {second.versions[other]}"

    def verdict(self, cell: Cell) -> str:
        """Return a cell's verdict."""
        return self.cells[cell].verdict if cell in self.cells else "untested"

    def _reason(self, cell: Cell) -> str:
        return self.cells[cell].reason.rstrip(".") if cell in self.cells else "not executed"

    def _alike(self, found: GridAnswer) -> str:
        state = "good" if found.conclusion == Conclusion.ALWAYS_GOOD else "bad"
        spans = [f"{one.package} {one.versions[0]} and {one.versions[-1]}" for one in self.packages]
        inside = " (what cannot be tested stands in the notes)" if len(set(found.corners)) < 4 else ""
        return (
            f"No change between the corners: {self.job} is {state} with {' and with '.join(spans)}, in every combination"
            f"{inside}. What lies between them was not searched; a bisection of one package looks there."
        )

    def _one(self, found: GridAnswer, changes: Sequence[PairChange]) -> str:
        decides, other = self.packages[found.axis or 0], self.packages[1 - (found.axis or 0)]
        by_release: dict[str, list[PairChange]] = {}
        for change in changes:
            by_release.setdefault(change.version, []).append(change)
        told = {version: [self.change(one) for one in ones] for version, ones in by_release.items()}
        held = " and with ".join(f"{other.package} {version}" for version in by_release)
        if len({tuple(said) for said in told.values()}) == 1:
            return f"{decides.package} decides alone: {'; '.join(next(iter(told.values())))}; so with {held}."
        said = "; ".join(
            f"with {other.package} {version}: {', and '.join(one)}" for version, one in told.items()
        )
        return f"{decides.package} decides, and where depends on {other.package}: {said}."

    def _each(self, found: GridAnswer, changes: Sequence[PairChange]) -> str:
        oldest, newest = (
            self.verdict(cell) for cell in (found.corners[0], found.corners[-1]) if cell is not None
        )
        verb = "breaks" if oldest == "good" else "repairs"
        said = "; ".join(f"with {one.held} {one.version}, {self.change(one, 'it')}" for one in changes)
        both = f"with the newest of both it is {newest}" + (" again" if newest == oldest else "")
        return f"Either package alone {verb} {self.job}: {said}; {both}."

    def _pair(self, found: GridAnswer, changes: Sequence[PairChange]) -> str:
        if found.pair is None:
            told = "; ".join(f"with {one.held} {one.version}, {self.change(one)}" for one in changes)
            return f"The answer depends on both packages, and not in one direction, so no single pair that shows it was found: {told}."
        odd = self.verdict(found.pair)
        # The package whose newer release changed it comes first, and its change before the other one's.
        ordered = sorted(changes, key=lambda one: (_moved_to(one, odd) != one.after, changes.index(one)))
        lead = ordered[0]
        here = {lead.package: _moved_to(lead, odd), lead.held: lead.version}

        def named(versions: Mapping[str, str]) -> str:
            return f"{lead.package} {versions[lead.package]} with {lead.held} {versions[lead.held]}"

        parts = [f"{named(here)} is {odd}"]
        for one in ordered:
            gap = f" ({len(one.skipped)} between could not be tested)" if one.skipped else ""
            neighbour = {**here, one.package: _moved_to(one, _OTHER[odd])}
            parts.append(f"{named(neighbour)} is {_OTHER[odd]}{gap}")
        sure = "each confirmed" if all(one.confirmed for one in changes) else "not all confirmed"
        said = f"The answer depends on both: {'; '.join(parts)}; {sure}."
        return " ".join([said, *self._remarks(ordered, odd)])

    def _remarks(self, ordered: Sequence[PairChange], odd: str) -> Iterator[str]:
        """Name what a newer release did where that is not what the reader expects: it repairs, or both are needed."""
        if all(_moved_to(one, odd) == one.after for one in ordered):
            yield f"Only both newer releases together make it {odd}."
        for one in ordered:
            if odd == "bad" and one.kind == "fixed" and not one.skipped:
                yield f"{one.package} {one.after} repairs it."
            if odd == "good" and one.kind == "regressed" and not one.skipped:
                yield f"{one.package} {one.after} breaks it again."

    def change(self, one: PairChange, job: str = "") -> str:
        """Say what changed between two neighbouring releases; with a gap between them nobody is named."""
        job = job or self.job
        sure = "confirmed" if one.confirmed else "not confirmed"
        old, new = ("good", "bad") if one.kind == "regressed" else ("bad", "good")
        verb = "broke" if one.kind == "regressed" else "repaired"
        if one.skipped:
            return (
                f"a release of {one.package} {verb} {job} after {one.before} (last {old}) and by {one.after} "
                f"(first {new}), {sure}; {len(one.skipped)} between them could not be tested"
            )
        return f"{one.package} {one.after} {verb} {job} (last {old} {one.before}), {sure}"

    def _untestable(self, found: GridAnswer, ends: Sequence[Cell]) -> str:
        lost = [end for end, cell in zip(ends, found.corners, strict=True) if cell is None]
        said = "; ".join(
            f"{self.name(end)} cannot be tested ({self._reason(end)}), nor what is near it"
            if end in self.cells
            else f"{self.name(end)} was not executed"
            for end in lost
        )
        return f"Inconclusive: {said}."

    def _open(self, found: GridAnswer, changes: Sequence[PairChange]) -> str:
        known = [cell for cell in found.corners if cell is not None]
        corners = "; ".join(f"{self.name(cell)} is {self.verdict(cell)}" for cell in dict.fromkeys(known))
        located = "".join(f"; with {one.held} {one.version}, {self.change(one)}" for one in changes)
        return f"the searches between the corners came to no end: {corners}{located}"


def unfinished(parts: Sequence[PartResult], arm: str) -> Iterator[str]:
    """Yield what the runs say that came to no conclusion."""
    for part in parts:
        conclusion, said = part.answers.get(arm, ["", ""])
        if conclusion == Conclusion.INCONCLUSIVE:
            yield f"{part.package} with {part.held} {part.version}: {said}"


def _moved_to(change: PairChange, verdict: str) -> str:
    """Return the side of a change that has a verdict."""
    return change.after if (change.kind == "regressed") == (verdict == "bad") else change.before
