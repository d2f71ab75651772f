"""A question about two environments as it goes on: both are executed first, then the changes between them searched."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from harness.blame.comparison import BAD, GOOD
from harness.blame.failure import KnownFailure
from harness.blame.leftovers import clear
from harness.blame.prepare import interpreters, prepare
from harness.blame.pythons import PythonTrial, try_pythons
from harness.blame.releases import ReleaseSearch
from harness.blame.units import Split, split_units
from harness.environments.evict import evict
from harness.errors import UsageError
from harness.files import take_name
from harness.locks.lock import Lock
from harness.uv import Uv

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from harness.blame.comparison import Comparison
    from harness.blame.prepare import BlameAsked, Prepared
    from harness.locks.interpreter import Interpreter
    from harness.report.blamed import BoundaryInside
    from harness.search.culprits import Answer, CulpritSet
    from harness.search.ties import Mixture
    from harness.sessions.driver import Watcher
    from harness.state import State


class Blaming:
    """One question about two environments as it goes on.

    Attributes:
        name: Of the run; `arm` of its one arm.
        warnings: What a reader must know.
        prepared: The environments with the Python that the mixtures have.
        pythons: What the exchange of Python showed; None where both environments have the same.
        failure: How the bad environment fails.
        answer: What the search found so far; None before it began.
        splits: Changes of units that do it without the others of their unit.
        loaded: {package: whether an environment loads it}.
        inside: Where culprits changed; `releases` finds that.
        disk: Bytes of the environments that were made and are left.
    """

    def __init__(
        self, asked: BlameAsked, state: State, watcher: Watcher, plain_watcher: Watcher, started: datetime
    ) -> None:
        """Take the question; `watcher` writes into the history of it, `plain_watcher` into none."""
        self.asked, self.state, self.started = asked, state, started
        self.watcher, self.plain_watcher = watcher, plain_watcher
        self.arm = asked.asked.arms[0].name
        self.name = take_name(asked.asked.out, f"{started:%Y%m%dT%H%M%SZ}-{asked.asked.scenario.name}-blame")
        self.warnings: list[str] = []
        self.prepared: Prepared | None = None
        self.pythons: PythonTrial | None = None
        self.failure = KnownFailure()
        self.answer: Answer | None = None
        self.splits: list[Split] = []
        self.loaded: dict[str, bool] = {}
        self.inside: list[BoundaryInside] = []
        self.seconds: dict[str, float] = {}
        self.disk = 0
        self.releases = ReleaseSearch(asked.asked, state, self.folder, plain_watcher, self.warnings)
        self._before = set(state.environments.glob("*"))
        self._opened: list[Prepared] = []

    @property
    def folder(self) -> Path:
        """Of the report."""
        return self.asked.asked.out / self.name

    def search(self) -> None:
        """Execute both environments, and search which change does it.

        Raises:
            HarnessError: As the parts say.
            KeyboardInterrupt: With all that was found before taken in.
        """
        began = time.monotonic()
        uv = Uv(self.asked.asked.source.settings().uv_environment)
        good, bad = interpreters(self.asked, uv, self.warnings)
        for said in self.warnings:
            self.watcher.note(f"warning: {said}")
        try:
            with ExitStack() as opened:
                if good.minor == bad.minor:
                    self.prepared = self._prepare(bad, opened)
                    self._search(self.prepared)
                else:
                    self.pythons = try_pythons(
                        self.asked, self._prepare(good, opened), self._prepare(bad, opened)
                    )
                    self.prepared, self.failure = self.pythons.held, self.pythons.failure
                    if self.pythons.role.searched:
                        self._search(self.prepared)
        finally:
            self.seconds["search"] = time.monotonic() - began

    def _prepare(self, interpreter: Interpreter, opened: ExitStack) -> Prepared:
        self.watcher.note(f"locking both environments for Python {interpreter.version}")
        prepared = opened.enter_context(prepare(self.asked, interpreter, self.state, self.watcher))
        self._opened.append(prepared)
        self.prepared = self.prepared or prepared
        return prepared

    def _search(self, prepared: Prepared) -> None:
        comparison = prepared.comparison
        if comparison is None:
            return
        if not comparison.changes:
            left = sorted({one.name for side in prepared.rebuilt for one in side.left_out})
            raise UsageError(
                "rebuilt here, both environments hold the same packages"
                + (f"; what differs is left out ({', '.join(left)})" if left else "")
                + ": there is no change that could be searched"
            )
        self.watcher.note(f"changed packages: {len(comparison.changes)}; executing both environments twice")
        while True:
            _, ends = comparison.ends()
            self.failure = KnownFailure.of(ends, any_failure=self.asked.asked.question.plan.any_failure)
            comparison.read_requirements()
            self.loaded = comparison.loaded()
            search = comparison.begin(self.failure, self.loaded)
            try:
                comparison.mixtures.execute(search, self.failure.outcome)
            finally:
                self.answer = search.answer()
                comparison.keep()
            self.splits = split_units(comparison, self.failure, self.answer, self.releases)
            if not comparison.session.executor.repaired():
                return
            comparison.mixtures.forget()  # a job changed files of an environment: what came after that is executed anew

    def open_culprits(self) -> None:
        """Find the boundary between both versions of every culprit, and put it into `inside` at once.

        A culprit that is added or removed has no second version; one that nothing separates from another package is
        left as it is, since its releases cannot be had apart.

        Raises:
            HarnessError: As `bisect` says.
            KeyboardInterrupt: It was interrupted.
        """
        answer, comparison = self.answer, self.prepared.comparison if self.prepared else None
        if answer is None or not answer.conclusion.found or comparison is None:
            return
        for culprits in answer.sets:
            others = answer.others(culprits)
            for part in culprits.parts:
                split = next((one for one in self.splits if one.unit == part), None)
                change = comparison.changes[split.change if split else min(part)]
                mates = {comparison.changes[place].name for place in part} - {change.name}
                if split and split.inside:
                    self.inside.append(split.inside)
                elif (split or len(part) == 1) and change.before and change.after:
                    places = _held(comparison, culprits, others - culprits.changes)
                    self.inside += self.releases.opened(change, places, mates)

    def clear(self) -> None:
        """Remove the environments that a repeated question does not need, and measure what is left."""
        began = time.monotonic()
        root = self.state.environments
        ends: list[Lock] = []
        others: list[Lock] = []
        for prepared in self._opened:
            locks = prepared.comparison.session.locks if prepared.comparison else ()
            for place, lock in enumerate(locks):
                if isinstance(lock, Lock):
                    (ends if place in (GOOD, BAD) else others).append(lock)
        self.disk = clear(root, before=self._before, ends=ends, others=others, runs=self.folder / "runs")
        evict(root, cap=self.asked.asked.environment_cap)
        self.seconds["clearing"] = time.monotonic() - began


def _held(comparison: Comparison, culprits: CulpritSet, others: Mixture) -> list[tuple[str, Lock]]:
    """Return the environments in which the other packages can be held: as in the bad one, then as in the good one."""
    found = []
    for side, mixture in (("bad", comparison.locks.everything - others), ("good", culprits.mixture)):
        lock, refused, _ = comparison.locks.lock(mixture)
        if not refused:
            found.append((side, lock))
    return found
