"""What the runs of a site say together: where every arm stands now, and which boundaries were found when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from packaging.version import InvalidVersion, Version

from harness.report.blame import culprits
from harness.report.boundaries import gravity, is_open, newest_verdict, strength, strongest_first, tone
from harness.report.dependencies import of_one_package, subject
from harness.report.text import anchor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.model import ArmResult, BoundaryResult
    from harness.site.runs import Run

Key = tuple[str, str, str]
"""Scenario, package, arm."""


@dataclass(frozen=True, slots=True)
class State:
    """Where one arm of one scenario stands.

    Attributes:
        key: Which arm.
        arm: What the newest run says of it.
        run: That run.
        since: The first of the runs that, up to now, all gave this answer.
        runs: How many these are.
        badge: Path of its badge in the site.
    """

    key: Key
    arm: ArmResult
    run: Run
    since: Run
    runs: int
    badge: str

    @property
    def newest(self) -> str:
        """Verdict of the newest release that has one, else `untested`."""
        return newest_verdict(self.arm)

    @property
    def broken(self) -> bool:
        """Whether a release broke the arm and no newer one repaired it; an arm that was never good is not broken."""
        return self.newest == "bad" and is_open(self.arm)

    @property
    def tone(self) -> str:
        """How its conclusion is shown: good, bad or warn."""
        return tone(self.arm)

    @property
    def counts(self) -> str:
        """Verdicts in numbers: `23 good, 11 bad`."""
        count = Counter(item.standing for item in self.arm.releases)
        return ", ".join(
            f"{count[word]} {word}" for word in ("good", "bad", "skip", "inferred", "untested") if count[word]
        )


@dataclass(frozen=True, slots=True)
class Found:
    """One place of change in one arm.

    Attributes:
        key: Which arm.
        boundaries: What changes there, strongest signal first, as the newest run that shows it has it.
        first: The run that showed it first.
        changed: The first run that showed these signals.
        run: The newest run that shows it.
    """

    key: Key
    boundaries: tuple[BoundaryResult, ...]
    first: Run
    changed: Run
    run: Run

    @property
    def before(self) -> str:
        """The older side."""
        return self.boundaries[0].before

    @property
    def after(self) -> str:
        """The newer side."""
        return self.boundaries[0].after

    @property
    def id(self) -> str:
        """Scenario, package, arm and both sides, as a name that stays the same for ever."""
        parts = (*self.key, self.before, self.after)
        return "urn:training-bisect:" + ":".join(quote(part, safe="") for part in parts)

    @property
    def address(self) -> str:
        """Where the newest report speaks of it, seen from the root of the site."""
        return f"{report_address(self.run)}#{anchor('at', self.before, self.after)}"

    @property
    def title(self) -> str:
        """What happened, in one line."""
        scenario, package, arm = self.key
        if self.run.report.blame is not None:
            return f"{culprits(self.run.report.blame) or package} broke {arm} in {scenario}"
        strongest = self.boundaries[0]
        exact = not strongest.skipped and not strongest.untested
        strongest, package = of_one_package(strongest, package)
        where = strongest.after if exact else f"after {strongest.before} and by {strongest.after}"
        verbs = {"regressed": "breaks", "fixed": "repairs"}
        what = verbs.get(strongest.kind, "changes what is measured of")
        if strongest.signal != "verdict":
            what = f"changes the {strongest.signal} of"
        axis = self.boundaries[0].axis
        held = f", with {axis.held} {axis.held_version}" if axis else ""
        named = subject(strongest, package) if strongest.signal == "verdict" else ""
        if named:
            return f"{named} {what} {arm} in {scenario}, with {package} {where}{held}"
        return f"{package} {where} {what} {arm} in {scenario}{held}"


def report_address(run: Run) -> str:
    """Return where a run's report lies, seen from the root of the site."""
    return f"runs/{quote(run.name)}/index.html"


def figure_address(run: Run, name: str, kind: str) -> str:
    """Return where a figure of a run lies as `svg` or `png`, seen from the root of the site."""
    return f"runs/{quote(run.name)}/figures/{quote(name)}.{kind}"


def states(runs: Sequence[Run]) -> list[State]:
    """Return where every arm stands, by scenario and package, the gravest arm first.

    Args:
        runs: Oldest first. One that looks at fewer releases than an earlier one says nothing of where things stand.
    """
    told: dict[Key, list[tuple[Run, ArmResult]]] = {}
    for run in runs:
        for arm in run.report.arms:
            history = told.setdefault(_key(run, arm), [])
            if not history or _covers(arm, history[-1][1]):
                history.append((run, arm))
    found = []
    for key, history in told.items():
        run, arm = history[-1]
        same = 0
        for _, older in reversed(history):
            if _stand(older) != _stand(arm):
                break
            same += 1
        badge = f"badges/{anchor(*key)}.json"
        found.append(State(key, arm, run, history[-same][0], same, badge))
    return sorted(found, key=lambda state: (state.key[:2], gravity(state.arm), state.key))


def _key(run: Run, arm: ArmResult) -> Key:
    """Return which arm it is; in a question about two environments these stand in place of the package."""
    report = run.report
    return report.scenario, report.blame.between if report.blame else report.package, arm.name


def _stand(arm: ArmResult) -> object:
    """Return what counts as the same state: not the wording, nor how far the releases reach by now."""
    return arm.conclusion, [(one.signal, one.kind, one.before, one.after) for one in arm.boundaries]


def _covers(arm: ArmResult, other: ArmResult) -> bool:
    """Tell whether the releases of one arm reach as far as those of another: a closer look replaces no map."""
    if not arm.releases or not other.releases:
        return bool(arm.releases)
    try:
        first, last = (Version(arm.releases[end].version) for end in (0, -1))
        return first <= Version(other.releases[0].version) and last >= Version(other.releases[-1].version)
    except InvalidVersion:
        return True


def boundaries(runs: Sequence[Run]) -> list[Found]:
    """Return every place of change that any run showed, the newest first.

    Args:
        runs: Oldest first.
    """
    found: dict[tuple[str, ...], Found] = {}
    for run in runs:
        for arm in run.report.arms:
            key = _key(run, arm)
            for (before, after), several in _by_place(arm).items():
                old = found.get((*key, before, after))
                same = old is not None and _signals(old.boundaries) == _signals(several)
                found[(*key, before, after)] = Found(
                    key, several, old.first if old else run, old.changed if old and same else run, run
                )
    return sorted(found.values(), key=_order, reverse=True)


def _order(found: Found) -> tuple[object, ...]:
    (arm,) = (arm for arm in found.run.report.arms if arm.name == found.key[2])
    position = next((place for place, item in enumerate(arm.releases) if item.version == found.after), 0)
    weakness = -strength(found.boundaries[0].signal)
    return (found.changed.started, found.changed.name, weakness, position, found.id)


def _by_place(arm: ArmResult) -> dict[tuple[str, str], tuple[BoundaryResult, ...]]:
    places: dict[tuple[str, str], list[BoundaryResult]] = {}
    for boundary in arm.boundaries:
        if boundary.disputed:
            continue  # another device contradicts it: nobody is named
        places.setdefault((boundary.before, boundary.after), []).append(boundary)
    return {place: tuple(strongest_first(several)) for place, several in places.items()}


def _signals(several: Sequence[BoundaryResult]) -> list[tuple[str, str]]:
    return [(one.signal, one.kind) for one in several]
