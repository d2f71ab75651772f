"""A question about two environments as it goes on: both are executed first, then the changes between them searched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.blame.failure import KnownFailure
from harness.blame.forced import Split, split_units
from harness.blame.mixtures import BAD, GOOD
from harness.blame.prepare import interpreters, prepare
from harness.blame.pythons import PythonTrial, try_pythons
from harness.environments.environment import remove, size
from harness.environments.evict import evict
from harness.errors import UsageError
from harness.locks.lock import Lock, differences
from harness.runs.bisect import free_name
from harness.uv import Uv

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from harness.blame.prepare import BlameAsked, Prepared
    from harness.locks.interpreter import Interpreter
    from harness.report.blamed import BoundaryInside
    from harness.search.culprits import Answer
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
        inside: Where culprits changed.
        disk: Bytes of the environments that were made and are left.
    """

    def __init__(
        self, asked: BlameAsked, state: State, watcher: Watcher, plain_watcher: Watcher, started: datetime
    ) -> None:
        """Take the question; `watcher` writes into the history of it, `plain_watcher` into none."""
        self.asked, self.state, self.started = asked, state, started
        self.watcher, self.plain_watcher = watcher, plain_watcher
        self.arm = asked.asked.arms[0].name
        self.name = free_name(asked.asked.out, f"{started:%Y%m%dT%H%M%SZ}-{asked.asked.scenario.name}-blame")
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
        uv = Uv(self.asked.asked.settings().uv_environment)
        good, bad = interpreters(self.asked, uv, self.warnings)
        try:
            if good.minor == bad.minor:
                self.prepared = self._prepare(bad)
                self._search(self.prepared)
            else:
                self.pythons = try_pythons(self.asked, self._prepare(good), self._prepare(bad))
                self.prepared, self.failure = self.pythons.held, self.pythons.failure
                if self.pythons.role.searched:
                    self._search(self.prepared)
        finally:
            self.seconds["search"] = time.monotonic() - began
            for one in self._opened:
                if one.mixtures is not None:
                    one.mixtures.session.executor.close()

    def _prepare(self, interpreter: Interpreter) -> Prepared:
        self.watcher.note(f"locking both environments for Python {interpreter.version}")
        prepared = prepare(self.asked, interpreter, self.state, self.watcher)
        self._opened.append(prepared)
        self.prepared = self.prepared or prepared
        return prepared

    def _search(self, prepared: Prepared) -> None:
        mixtures = prepared.mixtures
        good, bad = (one.lock for one in prepared.rebuilt)
        if mixtures is None or not isinstance(good, Lock) or not isinstance(bad, Lock):
            return
        changed = [one for one in differences(good, bad) if one.before != one.after]
        if not changed:
            left = sorted({one.name for side in prepared.rebuilt for one in side.left_out})
            raise UsageError(
                "rebuilt here, both environments hold the same packages"
                + (f"; what differs is left out ({', '.join(left)})" if left else "")
                + ": there is no change that could be searched"
            )
        self.watcher.note(f"{len(changed)} packages changed; executing both environments twice")
        while True:
            _, ends = mixtures.ends()
            self.failure = KnownFailure.of(ends, any_failure=self.asked.asked.question.plan.any_failure)
            mixtures.compare()
            self.loaded = mixtures.loaded()
            search = mixtures.begin(self.failure, self.loaded)
            try:
                mixtures.execute(search, self.failure)
            finally:
                self.answer = search.answer()
                mixtures.keep()
            self.splits = split_units(mixtures, self.failure, self.answer)
            if not mixtures.session.executor.repaired():
                return
            mixtures.forget()  # a job changed files of an environment: what came after that is executed anew

    def clear(self) -> None:
        """Remove the environments of mixtures, which a repeated question does not need, and measure what is left."""
        root = self.state.environments
        kept: set[Path] = set()
        for prepared in self._opened:
            if prepared.mixtures is None:
                continue
            session = prepared.mixtures.session
            locks = [(place, lock) for place, lock in enumerate(session.locks) if isinstance(lock, Lock)]
            ends = {root / lock.digest[:20] for place, lock in locks if place in (GOOD, BAD)}
            for place, lock in locks:
                folder = root / lock.digest[:20]
                if (
                    place not in (GOOD, BAD)
                    and lock.digest in session.environments.made
                    and folder not in ends
                ):
                    remove(folder)
            kept |= ends | set(session.environments.bases)
        self.disk = sum(size(folder) for folder in root.glob("*") if folder not in self._before)
        evict(root, cap=self.asked.asked.environment_cap, keep=list(kept))
