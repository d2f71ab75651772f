"""What a night tells of one arm, and what the history keeps of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.version import Version

from harness.history.facts import Boundary, Known
from harness.nightly.boundaries import broken, new_places, since
from harness.nightly.culprits import broke, changed, sides
from harness.report.boundaries import BY_TRAINING
from harness.report.commits import headline
from harness.report.dependencies import reservation, subject
from harness.report.gaps import gap_of
from harness.report.text import capital
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.facts import Baseline
    from harness.nightly.answer import Answered
    from harness.nightly.boundaries import Place
    from harness.nightly.dependency_changes import Surroundings
    from harness.nightly.examine import Examined
    from harness.nightly.outcome import Outcome
    from harness.report.model import BoundaryResult


@dataclass(slots=True)
class ArmStory:
    """Tells what a night found in one arm.

    Attributes:
        known: {version: what the line knew before}.
        told: Boundaries that were reported; those of this night are added.
        tries: Nights that a release without a verdict is tried again.
        spoken: Releases that need no further word.
    """

    outcome: Outcome
    name: str
    baseline: Baseline
    known: Mapping[str, Known]
    told: list[Boundary]
    night: int
    tries: int
    spoken: set[str] = field(default_factory=set)

    def surroundings(self, found: Surroundings) -> None:
        """Tell what moved packages did to the baseline: they are named, the package under test is not to blame."""
        now, blamed, run = found.now, found.blamed, found.answered.run if found.answered else ""
        head = f"{self._called(now.version)}, the baseline of {self.name},"
        before = [one for one in broken(self.told) if one.signal == "pins"]
        if now.verdict == Verdict.BAD and not now.flaky:
            if blamed is not None:
                kind = "regressed" if blamed.sets else "inconclusive"
                said = broke(blamed, self.name, f"{head} is bad now, {now.reason}", found.answered)
                self._tell(kind, said, now.version, run)
                if not blamed.elsewhere:
                    locks = ((self.baseline.lock or "")[:12], (now.lock or "")[:12])
                    self._keep(Boundary("pins", "regressed", *(sides(blamed) or locks), self.night, run))
            return
        if now.verdict == Verdict.SKIP:
            said = f"{head} has no verdict with the moved packages: {now.reason}; no alarm"
            self._tell("skip", said, now.version)
            return
        for one in before:
            self._tell("fixed", f"{head} is good again with the packages of now", now.version, run)
            self._keep(replace(one, closed=self.night, closed_by=now.version), one)
        if now.verdict == Verdict.GOOD and blamed is not None:
            self._tell("changed", changed(blamed, self.name, head, found.answered), now.version, run)

    def releases(self, examined: Sequence[Examined], answers: Sequence[Answered]) -> None:
        """Tell what is new in the answers, and of every release that was looked at."""
        flaky = {one.version for one in examined if one.flaky}
        flaky |= {one.version for one in self.known.values() if one.state == "flaky"}
        likeness = {one.version: one.likeness for one in examined}
        for answered in answers:
            for place in new_places(answered.arm(self.name), self.told, flaky, self.known):
                self._place(place, answered, likeness)
        self._over(examined, answers[-1].run if answers else "")
        for one in examined:
            self._release(one, answers)

    def _place(self, place: Place, answered: Answered, likeness: Mapping[str, str]) -> None:
        """Tell one place of change."""
        one, run = place.strongest, answered.run
        newest = answered.arm(self.name).releases[-1].version
        # What lies before the baseline was there when it was accepted; a run that ends before it is about just that.
        background = not self._older(newest) and not Version(self.baseline.version) < Version(one.after)
        quiet = one.signal in BY_TRAINING
        if not (place.sure or background):
            if not quiet and one.kind == "regressed":
                self._unsure(one.after, answered)
            return
        if place.known is not None:
            said = (
                f"{_verb(one)} between {place.known.before} and {place.known.after} is located now: between"
            )
            self._tell("located", f"what {said} {one.before} and {one.after}, in {self.name}", one.after, run)
        elif not background and quiet:
            again = ", as the baseline does" if likeness.get(one.after) == "equal" else ""
            self._tell("changed", self._changed(one, answered, again), one.after, run)
        elif not background and one.kind == "regressed":
            self._tell("regressed", self._broke(one, answered), one.after, run)
        for each in place.boundaries:
            kept = Boundary(each.signal, each.kind, each.before, each.after, self.night, run)
            self._keep(kept, place.known if each is one else None)

    def _over(self, examined: Sequence[Examined], run: str) -> None:
        """Tell which breaks are over: the oldest good release that came after each of them."""
        for one in [one for one in broken(self.told) if one.signal == "verdict"]:
            good = [
                new.version
                for new in examined
                if new.verdict == Verdict.GOOD
                and not new.flaky
                and Version(new.version) > Version(one.after)
                and self._older(new.version) == self._older(one.after)
            ]
            if good:
                said = (
                    f"{self._called(good[0])} is good again in {self.name}: what broke in {one.after} is over"
                )
                self._tell("fixed", said, good[0], run)
                self._keep(replace(one, closed=self.night, closed_by=good[0]), one)

    def _release(self, one: Examined, answers: Sequence[Answered]) -> None:
        """Tell of a release, if nothing was told of it, and keep what it is."""
        head = f"{self._called(one.version)} is"
        moves = f"; it moves {', '.join(one.moves)}" if one.moves else ""
        if one.verdict == Verdict.SKIP:
            self._skipped(one)
            return
        if one.flaky:
            said = f"{head} flaky in {self.name}: bad in {one.bad} of {one.runs} executions ({one.reason}); no alarm"
            self._tell("flaky", said, one.version)
        elif one.version in self.spoken:
            pass
        elif one.verdict == Verdict.BAD:
            self._still_bad(one, answers)
        elif one.likeness == "other" and not self._change_is_placed(one.version, answers):
            said = (
                f"{head} good in {self.name} and trains otherwise than the baseline {self.baseline.version}"
            )
            self._tell("changed", f"{said}: {one.difference}{moves}", one.version)
        else:
            self._tell("release", f"{head} good in {self.name}{self._alike(one)}{moves}", one.version)
        state = "flaky" if one.flaky else "settled"
        self._know(Known(one.version, state, one.verdict.value, one.reason))

    def _skipped(self, one: Examined) -> None:
        tries = self._tries(one.version) + 1
        last = tries >= self.tries
        if last:
            said = f"{self._called(one.version)} has had no verdict in {self.name} for {tries} nights, and is given up"
            self._tell("given up", f"{said}: {one.reason}", one.version)
        elif tries == 1:
            said = f"{self._called(one.version)} has no verdict in {self.name}: {one.reason}"
            self._tell("skip", f"{said}; no alarm, {_next(self.tries - 1)} again", one.version)
        self._know(Known(one.version, "given up" if last else "waiting", "skip", one.reason, tries))

    def _still_bad(self, one: Examined, answers: Sequence[Answered]) -> None:
        breaks = [each for each in self.told if _lasts(each, one.version)]
        if not breaks:
            self._unsure(one.version, answers[-1] if answers else None)
            return
        said = (
            f"{self._called(one.version)} is bad in {self.name} as before: broken since {since(breaks[-1])}"
        )
        self._tell("release", said, one.version)

    def _unsure(self, version: str, answered: Answered | None) -> None:
        said = f"{self._called(version)} is bad in {self.name}, and it is not certain where that began"
        if answered is not None:
            said += f": {answered.arm(self.name).answer}"
        if not any(event.kind == "inconclusive" and event.arm == self.name for event in self.outcome.events):
            self._tell("inconclusive", said, version, answered.run if answered else "")

    def _broke(self, one: BoundaryResult, answered: Answered) -> str:
        between = gap_of(one, answered.arm(self.name).releases)
        package = self.outcome.watch.package
        named = subject(one, package)
        if named:  # a dependency changes too: the release alone is not said to have done it
            said = f"{named} breaks {self.name} with {self._called(one.after)}: {one.details[-1]}; {one.before} is good"
            said += f", and {between}" if between else ""
        elif between:  # whoever broke it may be one of those: nobody is named
            said = f"{self._called(one.after)} is bad in {self.name}: {one.details[-1]}; {one.before} is good, and {between}"
        else:
            said = f"{self._called(one.after)} breaks {self.name}: {one.details[-1]}; the last good release is {one.before}"
        said += reservation(one, package)
        return said + _moves(one) + self._cause(one, answered)

    def _changed(self, one: BoundaryResult, answered: Answered, again: str) -> str:
        verdict = {row.version: row.verdict for row in answered.arm(self.name).releases}.get(one.after)
        said = f"{self._called(one.after)} trains otherwise than {one.before} in {self.name}{again}, and stays {verdict}"
        details = f": {one.signal}, {'; '.join(one.details[:2])}" if one.details else f": {one.signal}"
        return said + details + _moves(one) + self._cause(one, answered)

    def _cause(self, one: BoundaryResult, answered: Answered) -> str:
        key = (self.name, one.before, one.after)
        said = [
            cause.sentence
            for cause in answered.report.cause
            if (cause.arm, cause.before, cause.after) == key and cause.status in {"confirmed", "supported"}
        ]
        return "".join(f". {one}" for one in [*said, *_commit(one)])

    def _alike(self, one: Examined) -> str:
        told = {
            "equal": f" and trains as the baseline {self.baseline.version}, bit for bit",
            "near": f" and trains as the baseline {self.baseline.version}, within the noise",
            "other": f" and trains otherwise than the baseline {self.baseline.version}, as is known",
        }
        return told.get(one.likeness, "")

    def _change_is_placed(self, version: str, answers: Sequence[Answered]) -> bool:
        """Tell whether an answer says where the training changed; small steps may add up without a place."""
        start, end = Version(self.baseline.version), Version(version)
        return any(
            one.signal in BY_TRAINING and one.confirmed and start < Version(one.after) <= end
            for answered in answers
            for one in answered.arm(self.name).boundaries
        )

    def _older(self, version: str) -> bool:
        return Version(version) < Version(self.baseline.version)

    def _called(self, version: str) -> str:
        return f"{self.outcome.watch.package} {version}"

    def _tries(self, version: str) -> int:
        return self.known[version].tries if version in self.known else 0

    def _tell(self, kind: str, text: str, release: str, run: str = "") -> None:
        self.outcome.tell(kind, text, arm=self.name, release=release, run=run)
        self.spoken.add(release)

    def _know(self, known: Known) -> None:
        self.outcome.known.append((self.outcome.line(self.name), known))

    def _keep(self, boundary: Boundary, instead_of: Boundary | None = None) -> None:
        if instead_of is not None:
            self.told.remove(instead_of)
        self.told.append(boundary)
        self.outcome.boundaries.append((self.outcome.line(self.name), boundary, instead_of))


def _lasts(one: Boundary, version: str) -> bool:
    """Tell whether a release lies where a break was, be it over with a later one."""
    if one.kind != "regressed" or one.signal == "pins":
        return one.signal == "pins" and one.closed is None
    over = one.closed_by is not None and Version(one.closed_by) <= Version(version)
    return one.signal == "verdict" and Version(one.after) <= Version(version) and not over


def _commit(one: BoundaryResult) -> list[str]:
    """Say which commit does it, as far as it is known."""
    said = headline(one.commits) if one.commits else ""
    link = one.commits.culprit.link if one.commits and one.commits.culprit else ""
    return [f"{capital(said)}{f', {link}' if link else ''}"] if said else []


def _moves(one: BoundaryResult) -> str:
    """Say which packages besides the one under test differ between the two sides."""
    moves = [
        f"{move['name']} {move['before'] or 'absent'} -> {move['after'] or 'absent'}"
        for move in one.moves[1:]
    ]
    return f"; with it move {', '.join(moves)}" if moves else ""


def _verb(one: BoundaryResult) -> str:
    return {"regressed": "broke", "fixed": "was repaired"}.get(one.kind, f"changed ({one.signal})")


def _next(nights: int) -> str:
    return "the next night tries" if nights == 1 else f"the next {nights} nights try"
