"""Two environments compared: what changed, what the job loads of it, and the search that knows both."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.environments.requirements import owners, requirements
from harness.files import read_json, to_json, write_cache
from harness.locks.mixture import stated
from harness.search.difference import Difference
from harness.search.mixtures import Purpose, Request

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.blame.failure import KnownFailure
    from harness.cause.mixed_locks import MixedLocks
    from harness.cause.mixtures import Mixtures, Step
    from harness.locks.lock import Move
    from harness.sessions.finding import Finding
    from harness.sessions.session import Session

GOOD, BAD = 0, 1
"""Positions of both environments."""
TWICE = 2
"""Executions of both before the search; the second one has another hash seed."""

_RAISED, _NEAR, _USUAL = 20.0, 4.0, 1.0
"""Suspicion of the package whose code raised the error, of what it requires, and of any other one."""


@dataclass(slots=True)
class Comparison:
    """Two environments with one Python, in one arm.

    Attributes:
        mixtures: Executes both and everything between them.
    """

    mixtures: Mixtures

    @property
    def session(self) -> Session:
        """Executes."""
        return self.mixtures.session

    @property
    def locks(self) -> MixedLocks:
        """Both locks, and what lies between them."""
        return self.mixtures.locks

    @property
    def changes(self) -> tuple[Move, ...]:
        """Packages whose version differs, sorted by name."""
        return self.locks.changes

    @property
    def steps(self) -> list[Step]:
        """What was executed or refused, in order."""
        return self.mixtures.steps

    def ends(self) -> tuple[list[Finding], list[Finding]]:
        """Execute both environments, each twice with different hash seeds, and return what they gave.

        Raises:
            KeyboardInterrupt: After every running probe was ended.
        """
        arm = self.mixtures.arm
        tasks = [(arm, place, repeat) for repeat in range(TWICE) for place in (GOOD, BAD)]
        self.mixtures.driver.execute(tasks)
        return self.findings(GOOD), self.findings(BAD)

    def findings(self, place: int) -> list[Finding]:
        """Return the executions of the good or the bad environment, in order."""
        mixtures = self.mixtures
        # By place: where no package differs, both are the same mixture.
        found = mixtures.driver.findings[mixtures.arm].get(mixtures.ends[place], {})
        return [one for _, one in sorted(found.items())]

    def read_requirements(self) -> None:
        """Learn what the packages of both environments require; both were executed before."""
        session = self.session
        for lock in (self.locks.good, self.locks.bad):
            self.locks.requirements |= requirements(session.environments, lock, make=True)

    def loaded(self) -> dict[str, bool]:
        """Return {package: whether one of the environments loads it}; empty where executions do not tell."""
        found: dict[str, bool] = {}
        for place, lock in ((GOOD, self.locks.good), (BAD, self.locks.bad)):
            loads = [one.trace.modules for one in self.findings(place) if one.trace.modules is not None]
            owned = owners(self.session.environments, lock)
            if not loads or not owned:
                return {}
            names = {name for places in loads for one in places for name in owned.get(one, ())}
            for name in set[str]().union(*owned.values()):
                found[name] = found.get(name, False) or name in names
        return found

    def begin(self, failure: KnownFailure, loaded: dict[str, bool]) -> Difference:
        """Return a search that knows both environments, what ties their changes, and which are never loaded."""
        never = [place for place, one in enumerate(self.changes) if loaded.get(one.name) is False]
        search = Difference(
            len(self.changes), weights=self.weights(), never_loaded=never, ties=self.locks.ties()
        )
        self.mixtures.begin(search, failure.outcome)
        for names, repeat, purpose in self._kept():
            request = Request(self.locks.of_names(names), repeat, Purpose(purpose))
            if not self.mixtures.taken(search, failure.outcome, request):
                break
        return search

    def keep(self) -> None:
        """Store which mixtures were executed in which order, so that the same question takes the same path again.

        Several run at a time and end in any order, on which it depends what is asked next.
        """
        steps = [
            [sorted(self.locks.names(one.mixture)), one.repeat, one.purpose.value]
            for one in self.steps
            if not one.forced
        ]
        write_cache(self._path(), to_json(steps))

    def weights(self) -> Sequence[float]:
        """Return how much each change is suspected; only ratios matter."""
        raised = {one.judgement.raised_in.lower() for one in self.findings(BAD)} - {""}
        required = self.locks.requirements
        near = {
            tie.name
            for (name, version) in required
            if name in raised
            for tie, _ in stated(name, version, required, self.session.interpreter)
        }
        return [
            _RAISED if one.name in raised else _NEAR if one.name in near else _USUAL for one in self.changes
        ]

    def _kept(self) -> list[tuple[list[str], int, str]]:
        try:
            steps = read_json(self._path())
            return [(list(names), int(repeat), str(purpose)) for names, repeat, purpose in steps]
        except (OSError, ValueError, TypeError):
            return []

    def _path(self) -> Path:
        session = self.session
        arm = self.mixtures.driver.arms[self.mixtures.arm]
        facts: list[object] = [
            self.locks.good.digest,
            self.locks.bad.digest,
            session.job_digest,
            session.device,
        ]
        facts += [sorted(arm.parameters.items()), sorted(session.asked.scenario.oracle.items())]
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return session.environments.state.locks / f"blame-{digest[:32]}.json"
