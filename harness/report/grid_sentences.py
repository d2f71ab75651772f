"""The answer about two packages in one or two sentences that a person can quote, never more than what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.axes import ends, in_order, pair_name
from harness.report.dependencies import of_one_package, others, reservation, subject
from harness.search.boundaries import Conclusion
from harness.search.corners import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.report.axes import AxisChange, AxisResult, GridResult, PartResult
    from harness.report.model import ArmResult, BoundaryResult

_OTHER = {"good": "bad", "bad": "good"}
_VERBS = {"regressed": "broke", "fixed": "repaired", "changed": "changed"}


def grid_sentence(axes: Sequence[AxisResult], arm: ArmResult) -> str:
    """Return the answer of one arm of a question about two packages."""
    return _Answer(axes, arm).text()


def grid_notes(axes: Sequence[AxisResult], arm: ArmResult, parts: Iterable[PartResult]) -> list[str]:
    """Return what a reader must know besides.

    That is which pairs stand for corners that cannot be tested, which contradict each other, and what the runs say
    that came to no conclusion.
    """
    return [*_Answer(axes, arm).notes(), *_unfinished(parts, arm.name)]


def _unfinished(parts: Iterable[PartResult], arm: str) -> Iterator[str]:
    for part in parts:
        conclusion, sentence = part.answers.get(arm, ["", ""])
        if conclusion == Conclusion.INCONCLUSIVE:
            yield f"{part.package} with {part.held} {part.held_version}: {sentence}"


class _Answer:
    """Puts the facts of one arm into words.

    Args:
        axes: Both packages, with their releases.
        arm: Has a grid.
    """

    def __init__(self, axes: Sequence[AxisResult], arm: ArmResult) -> None:
        if arm.grid is None:
            raise ValueError(f"arm {arm.name} has no grid")
        dtype = arm.parameters.get("dtype")
        self.job = f"{dtype} training" if isinstance(dtype, str) else "the job"
        self.axes = axes
        self.grid: GridResult = arm.grid
        self.conclusion = arm.conclusion
        self.boundaries = arm.boundaries
        self.rows = {row.version: row for row in arm.releases}
        # Of a quantity without a worse direction, the verdict bad means that it differs.
        self.two_sided = any(boundary.kind == "changed" for boundary in arm.boundaries)

    def text(self) -> str:
        """Return the answer."""
        if self.grid.depends == Shape.UNTESTABLE:
            return self._untestable()
        if self.conclusion == Conclusion.INCONCLUSIVE:
            return f"Inconclusive: {self._open()}."
        by_shape = {Shape.ALIKE: self._alike, Shape.ONE: self._one, Shape.EACH: self._each}
        return by_shape.get(Shape(self.grid.depends), self._pair)()

    def notes(self) -> list[str]:
        """Return which pairs stand for corners that cannot be tested, and which contradict each other."""
        moved = zip(ends(self.axes), self.grid.corners, strict=True)
        notes = [
            f"{end} cannot be tested ({self._reason(end)}); {pair} stands for that corner"
            for end, pair in moved
            if pair is not None and pair != end
        ]
        bad = {self._reason(pair): pair for pair in self._known() if self._verdict(pair) == "bad"}
        if len(bad) > 1:
            each = "; ".join(f"{pair}: {reason}" for reason, pair in bad.items())
            notes.append(f"The bad corners do not all say the same: {each}")
        return notes + [
            f"{pair} is good in one run and bad in another: the two may have other packages in "
            "other releases, or the job is not reproducible"
            for pair in self.grid.disputed
        ]

    def _known(self) -> list[str]:
        return [pair for pair in self.grid.corners if pair is not None]

    def _verdict(self, pair: str) -> str:
        row = self.rows.get(pair)
        return row.verdict if row else "untested"

    def _reason(self, pair: str) -> str:
        row = self.rows.get(pair)
        return row.reason.rstrip(".") if row else "not executed"

    def _called(self, verdict: str) -> str:
        """Return what a verdict is called here."""
        meanings = {"good": "as the reference", "bad": "unlike the reference"}
        return meanings.get(verdict, verdict) if self.two_sided else verdict

    # -- shapes ----------------------------------------------------------------------------------------------

    def _alike(self) -> str:
        state = "good" if self.conclusion == Conclusion.ALWAYS_GOOD else "bad"
        spans = [f"{axis.package} {axis.versions[0]} and {axis.versions[-1]}" for axis in self.axes]
        corners = set(self._known())
        inside = (
            " (what cannot be tested stands in the notes)" if len(corners) < len(self.grid.corners) else ""
        )
        return (
            f"No change between the corners: {self.job} is {state} with {' and with '.join(spans)}, in every combination"
            f"{inside}. What lies between them was not searched; a bisection of one package looks there."
        )

    def _one(self) -> str:
        decides = self.grid.decides
        (other,) = (axis.package for axis in self.axes if axis.package != decides)
        clauses: dict[str, list[str]] = {}
        for boundary, axis in self._changes():
            clauses.setdefault(axis.held_version, []).append(self._change(boundary))
        held = " and with ".join(f"{other} {version}" for version in clauses)
        if len({tuple(several) for several in clauses.values()}) == 1:
            return f"{decides} decides alone: {'; '.join(next(iter(clauses.values())))}; so with {held}."
        each = "; ".join(
            f"with {other} {version}: {', '.join(several)}" for version, several in clauses.items()
        )
        return f"{decides} decides, and where depends on {other}: {each}."

    def _each(self) -> str:
        oldest, newest = (self._verdict(self.grid.corners[place] or "") for place in (0, -1))
        verb = "changes" if self.two_sided else "breaks" if oldest == "good" else "repairs"
        each = "; ".join(
            f"with {axis.held} {axis.held_version}, {self._change(boundary, 'it')}"
            for boundary, axis in self._changes()
        )
        both = f"with the newest of both it is {self._called(newest)}" + (
            " again" if newest == oldest else ""
        )
        return f"Either package alone {verb} {self.job}: {each}; {both}."

    def _pair(self) -> str:
        if not self.grid.pair:
            each = "; ".join(
                f"with {axis.held} {axis.held_version}, {self._change(boundary)}"
                for boundary, axis in self._changes()
            )
            return f"The answer depends on both packages, and not in one direction, so no single pair that shows it was found: {each}."
        odd = self._verdict(pair_name(self.axes, in_order(self.axes, self.grid.pair)))
        changes = self._changes()
        # The package whose newer release changed it comes first, and its change before the other one's.
        ordered = sorted(changes, key=lambda one: self._side(one, odd) != one[1].after)
        lead = ordered[0][1]
        here = {lead.package: self._side(ordered[0], odd), lead.held: lead.held_version}

        def named(choice: Mapping[str, str]) -> str:
            return f"{lead.package} {choice[lead.package]} with {lead.held} {choice[lead.held]}"

        parts = [f"{named(here)} is {self._called(odd)}"]
        for one in ordered:
            neighbour = {**here, one[1].package: self._side(one, _OTHER[odd])}
            parts.append(f"{named(neighbour)} is {self._called(_OTHER[odd])}{_gap(one[0], ' (', ')')}")
        sure = "each confirmed" if all(one[0].confirmed for one in changes) else "not all confirmed"
        answer = f"The answer depends on both: {'; '.join(parts)}; {sure}."
        return " ".join([answer, *self._remarks(ordered, odd)])

    def _remarks(self, ordered: Sequence[tuple[BoundaryResult, AxisChange]], odd: str) -> Iterator[str]:
        """Name what a newer release did where that is not what the reader expects: it repairs, or both are needed."""
        unclear = [boundary for boundary, _ in ordered if subject(*of_one_package(boundary, ""))]
        if not unclear and all(self._side(one, odd) == one[1].after for one in ordered):
            yield f"Only both newer releases together make it {self._called(odd)}."
        for boundary, axis in ordered:
            if boundary in unclear:
                plain, package = of_one_package(boundary, axis.package)
                also = [change["name"] for change in others(plain, package)]
                yield (
                    f"Between {package} {axis.before} and {axis.after}, {' and '.join(map(str, also))} changes too"
                    f"{reservation(plain, package)}."
                )
            elif self.two_sided or boundary.skipped or boundary.untested:
                continue
            elif odd == "bad" and boundary.kind == "fixed":
                yield f"{axis.package} {axis.after} repairs it."
            elif odd == "good" and boundary.kind == "regressed":
                yield f"{axis.package} {axis.after} breaks it again."

    # -- no answer -------------------------------------------------------------------------------------------

    def _untestable(self) -> str:
        lost = [end for end, pair in zip(ends(self.axes), self.grid.corners, strict=True) if pair is None]
        clauses = [
            f"{end} cannot be tested ({self._reason(end)}), nor what is near it"
            if end in self.rows
            else f"{end} was not executed"
            for end in lost
        ]
        return f"Inconclusive: {'; '.join(clauses)}."

    def _open(self) -> str:
        names = dict.fromkeys(f"{pair} is {self._called(self._verdict(pair))}" for pair in self._known())
        located = "".join(
            f"; with {axis.held} {axis.held_version}, {self._change(boundary)}"
            for boundary, axis in self._changes()
        )
        return f"the searches between the corners came to no end: {'; '.join(names)}{located}"

    # -- changes ---------------------------------------------------------------------------------------------

    def _changes(self) -> list[tuple[BoundaryResult, AxisChange]]:
        return [(boundary, boundary.axis) for boundary in self.boundaries if boundary.axis is not None]

    def _side(self, change: tuple[BoundaryResult, AxisChange], verdict: str) -> str:
        """Return the release on the side of a change that has a verdict."""
        boundary, axis = change
        after = self.rows.get(boundary.after)
        return axis.after if after is not None and after.verdict == verdict else axis.before

    def _change(self, boundary: BoundaryResult, job: str = "") -> str:
        """Say what changed between two neighbouring releases; with a gap between them nobody is named."""
        job = job or self.job
        plain, package = of_one_package(boundary, "")
        sure = "confirmed" if boundary.confirmed else "not confirmed"
        old, new = (self._called(verdict) for verdict in self._verdicts(boundary))
        verb = _VERBS[boundary.kind]
        if boundary.skipped or boundary.untested:
            who = subject(plain, package) or f"a release of {package}"
            return (
                f"{who} {verb} {job} after {plain.before} ({old}) and by {plain.after} "
                f"({new}), {sure}{_gap(boundary, '; ', '', where=' them')}{reservation(plain, package)}"
            )
        if who := subject(plain, package):
            return (
                f"{who} {verb} {job} (last {old} with {package} {plain.before}, first {new} with {package} "
                f"{plain.after}), {sure}{reservation(plain, package)}"
            )
        return f"{package} {plain.after} {verb} {job} (last {old} {plain.before}), {sure}"

    def _verdicts(self, boundary: BoundaryResult) -> tuple[str, str]:
        """Return the verdicts of both sides."""
        if boundary.kind in ("regressed", "fixed"):
            return ("good", "bad") if boundary.kind == "regressed" else ("bad", "good")
        found = [self.rows[side].verdict for side in (boundary.before, boundary.after)]
        return found[0], found[1]


def _gap(boundary: BoundaryResult, opening: str, closing: str, *, where: str = "") -> str:
    """Count what lies between both sides without a verdict; nothing where they are neighbours."""
    untested = len(boundary.untested)
    counts = [
        (len(boundary.skipped), "could not be tested"),
        (untested, f"{'was' if untested == 1 else 'were'} not executed"),
    ]
    clauses = [f"{count} between{where} {what}" for count, what in counts if count]
    return f"{opening}{' and '.join(clauses)}{closing}" if clauses else ""
