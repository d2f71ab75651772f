"""The steps of one watch in one night: from the index's listing to what is told of it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypedDict

from packaging.version import Version

from harness.errors import HarnessError, IndexUnavailableError
from harness.history.facts import Known
from harness.locks.lock import parse_lock
from harness.nightly import events
from harness.nightly.answer import answer, ranges
from harness.nightly.arm import ArmStory
from harness.nightly.baseline import DEPTH, propose
from harness.nightly.dependency_changes import look, moved, with_answers
from harness.nightly.examine import Examination
from harness.nightly.news import news, untold, watched
from harness.nightly.outcome import Outcome
from harness.releases.index import list_releases
from harness.releases.release import Release
from harness.releases.settings import read_settings
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from harness.history.facts import Baseline
    from harness.history.history import History
    from harness.nightly.answer import Answered
    from harness.nightly.config import Watch
    from harness.nightly.dependency_changes import Surroundings
    from harness.nightly.examine import Examined
    from harness.nightly.night import Night
    from harness.sessions.driver import Watcher
    from harness.state import State


class _Where(TypedDict):
    """What every answer of a night is given."""

    out: Path
    started: datetime
    state: State
    watcher: Watcher


class Walk:
    """What is known so far on the way.

    Attributes:
        outcome: What will be written.
    """

    def __init__(self, watch: Watch, night: Night, history: History, state: State, watcher: Watcher) -> None:
        self.watch, self.night, self.history, self.state, self.watcher = watch, night, history, state, watcher
        self.outcome = Outcome(watch)
        self.subject = (watch.scenario.name, watch.package)
        self.releases: list[Release] = []
        self.unwanted: set[str] = set()
        self.baselines: dict[str, Baseline] = {}
        self.known: dict[str, dict[str, Known]] = {}
        self.proposed: set[str] = set()

    def go(self) -> None:
        """Walk."""
        self._list()
        self._baselines()
        if not self.baselines:
            return
        wanted = self._wanted()
        examination = self._examination(
            {*(version for several in wanted.values() for version in several), *self._baseline_versions()}
        )
        try:
            examined = self._examine(examination, wanted)
            surroundings = self._surroundings(examination)
        finally:
            examination.close()
        surroundings = with_answers(surroundings, self.watch, **self._where())
        self._tell(examined, surroundings)

    def _list(self) -> None:
        """Ask the index, and tell what it did to releases that are known."""
        listing = list_releases(self.watch.package, read_settings(own_links=self.watch.own_links), self.state)
        if listing.unanswered:
            raise IndexUnavailableError(listing.unanswered)
        if listing.warning:
            self.watcher.note(f"warning: {listing.warning}")
        self.releases = watched(
            listing.releases,
            prereleases=self.watch.prereleases,
            first=self.watch.first,
            until=self.night.until,
        )
        wanted = {release.version for release in self.releases if not release.yanked}
        self.unwanted = {release.version for release in listing.releases} - wanted
        if not self.releases:
            raise HarnessError(f"the index lists no release of {self.watch.package} to watch")
        found = news(self.history.listed(self.subject), self.releases)
        self.outcome.listed, self.outcome.gone = self.releases, list(found.gone)
        events.listing(
            self.outcome,
            found,
            {arm.name: self.history.boundaries(self.outcome.line(arm.name)) for arm in self.watch.arms},
        )

    def _baselines(self) -> None:
        """Find the baseline of every arm; those that have none get one, or the night says why not."""
        for arm in self.watch.arms:
            found = self.history.baseline(self.outcome.line(arm.name))
            if found is not None:
                self.baselines[arm.name] = found
            self.known[arm.name] = self.history.releases(self.outcome.line(arm.name))
        without = [arm for arm in self.watch.arms if arm.name not in self.baselines]
        offered = [release.version for release in self.releases if not release.yanked]
        if without:
            moment = self.night.started.isoformat(timespec="seconds")
            found_now = propose(
                without, offered, lambda version: self._examination({version}, version), moment
            )
            for arm in without:
                if arm.name in found_now:
                    self.baselines[arm.name] = found_now[arm.name]
                    self.outcome.baselines.append((self.outcome.line(arm.name), found_now[arm.name]))
                    self.proposed.add(arm.name)
                    events.proposed(self.outcome, arm.name, found_now[arm.name])
                else:
                    events.no_baseline(self.outcome, arm.name, min(DEPTH, len(offered)))
        self._still_listed()
        for arm_name, baseline in self.baselines.items():
            if not self.known[arm_name]:
                self._forget_the_past(arm_name, baseline.version)

    def _still_listed(self) -> None:
        listed = {release.version for release in self.releases}
        for arm, baseline in self.baselines.items():
            if baseline.version not in listed:
                raise HarnessError(
                    f"the baseline {baseline.version} of {arm} is not listed any more: accept another one with "
                    "`python -m harness accept RUN`"
                )

    def _forget_the_past(self, arm: str, baseline: str) -> None:
        """Take every release up to a first baseline for known: the night is about what comes after it."""
        for release in self.releases:
            if Version(release.version) <= Version(baseline):
                known = Known(release.version, "settled" if release.version == baseline else "old")
                self.known[arm][release.version] = known
                self.outcome.known.append((self.outcome.line(arm), known))

    def _wanted(self) -> dict[str, list[str]]:
        """Return {arm: releases to look at}, oldest first."""
        wanted = {}
        offered = {release.version for release in self.releases if not release.yanked}
        for arm in self.baselines:
            waiting = [one.version for one in self.known[arm].values() if one.state == "waiting"]
            versions = {*untold(self.releases, self.known[arm]), *(set(waiting) & offered)}
            wanted[arm] = sorted(versions, key=Version)
        return wanted

    def _examination(self, versions: set[str], reference: str = "") -> Examination:
        listed = {release.version: release for release in self.releases}
        ordered = sorted(versions, key=Version)
        releases = [listed.get(version, Release(version)) for version in ordered]
        waiting = {
            one.version
            for several in self.known.values()
            for one in several.values()
            if one.state == "waiting"
        }
        return Examination(
            self.watch,
            releases,
            self.state,
            self.watcher,
            reference=reference or min(self._baseline_versions(), key=Version),
            again=sorted(waiting & versions),
        )

    def _baseline_versions(self) -> set[str]:
        return {baseline.version for baseline in self.baselines.values()}

    def _examine(
        self, examination: Examination, wanted: Mapping[str, Sequence[str]]
    ) -> dict[str, list[Examined]]:
        """Execute what the budget allows and return {arm: what its releases are}, oldest first."""
        arms = {arm.name: arm for arm in self.watch.arms if arm.name in self.baselines}
        if not examination.calibrated(list(arms.values())):
            raise HarnessError(
                f"the oracle's reference is not good any more: name a good one in {self.watch.scenario.folder}"
            )
        its = {arm: baseline.version for arm, baseline in self.baselines.items()}
        examination.execute(list(its.items()))
        if self.watch.repeat_baseline:
            self._repeat(examination, its)
        taken: dict[str, list[str]] = defaultdict(list)
        versions = sorted({version for several in wanted.values() for version in several}, key=Version)
        for place, version in enumerate(versions):
            pairs = [(arm, version) for arm, several in wanted.items() if version in several]
            if not self.night.affords(sum(examination.cost(arms[arm], version) for arm, _ in pairs)):
                events.left(self.outcome, versions[place:], self.night.budget)
                break
            examination.execute(pairs)
            examination.settle(pairs, its)
            for arm, _ in pairs:
                taken[arm].append(version)
        return {arm: [examination.examined(arm, version, its[arm]) for version in taken[arm]] for arm in arms}

    def _repeat(self, examination: Examination, its: Mapping[str, str]) -> None:
        """Execute the baselines again: what differs now came from the machine."""
        examination.execute(list(its.items()), repeat=1000 + self.night.number)
        for arm, version in its.items():
            first, *_, last = examination.findings(arm, version)
            if first.trace_digest != last.trace_digest and self.baselines[arm].deterministic:
                events.machine(self.outcome, arm, version, first, last)

    def _surroundings(self, examination: Examination) -> dict[str, Surroundings]:
        """Tell whether the shared packages moved, and return {arm: what that did to it}."""
        now = examination.session.reference
        text = self.history.pinned(self.subject)
        self.outcome.pinned = now.text()
        before = parse_lock(text) if text else now
        moves = moved(before, now, self.watch.package)
        if not moves:
            return {}
        events.pins(self.outcome, [str(move) for move in moves])
        told = {arm: self.history.boundaries(self.outcome.line(arm)) for arm in self.baselines}
        return look(examination, before, self.baselines, told, self.night.number)

    def _where(self) -> _Where:
        """Return where answers are written, under which date, and who is told."""
        night = self.night
        return {"out": night.reports, "started": night.started, "state": self.state, "watcher": self.watcher}

    def _tell(
        self, examined: Mapping[str, Sequence[Examined]], surroundings: Mapping[str, Surroundings]
    ) -> None:
        """Have the answers written, and tell what in them is new."""
        listed = [release.version for release in self.releases]
        asked = {
            arm: ranges(
                tested=[one for one in several if one.verdict != Verdict.SKIP],
                known=list(self.known[arm].values()),
                baseline=self.baselines[arm].version,
                listed=listed,
                unwanted=self.unwanted,
                whole=self.watch.first is not None,
                anyway=arm in self.proposed,
            )
            for arm, several in examined.items()
        }
        answers: dict[str, list[Answered]] = {arm: [] for arm in asked}
        for where in dict.fromkeys(one for several in asked.values() for one in several):
            arms = [arm for arm, several in asked.items() if where in several]
            found = answer(self.watch, arms, where, **self._where())
            for arm in arms:
                answers[arm].append(found)
        for arm, baseline in self.baselines.items():
            line = self.outcome.line(arm)
            told = ArmStory(
                outcome=self.outcome,
                name=arm,
                baseline=baseline,
                known=self.known[arm],
                told=self.history.boundaries(line),
                night=self.night.number,
                tries=self.watch.tries,
            )
            if arm in surroundings:
                told.surroundings(surroundings[arm])
            told.releases(examined[arm], answers[arm])
