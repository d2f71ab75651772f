"""Which mixtures of two locks there are: what differs, which requirements tie that, and what uv resolves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.locks.mixture import contradicted, met, mix, mixed, stated
from harness.search.ties import Tie

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.locks.interpreter import Interpreter
    from harness.locks.lock import Lock, Move
    from harness.locks.mixture import Requirements
    from harness.locks.mixture import Tie as Stated
    from harness.locks.resolve import Resolver
    from harness.search.ties import Mixture


@dataclass(slots=True)
class MixedLocks:
    """Two locks, and every lock between them.

    A mixture is the good lock with some of the changes, each named by its position in `changes`.

    Attributes:
        resolver: Asks uv.
        good, bad: Both locks.
        changes: What differs and can be exchanged, sorted by name.
        requirements: Of the packages of both locks, as far as they are known.
    """

    resolver: Resolver
    good: Lock
    bad: Lock
    changes: tuple[Move, ...]
    requirements: Requirements = field(default_factory=dict)
    _at_odds: bool | None = None

    @property
    def contradictions(self) -> tuple[tuple[Stated, ...], tuple[Stated, ...]]:
        """What the good and the bad lock contradict themselves in."""
        return self._contradicted(self.good), self._contradicted(self.bad)

    @property
    def everything(self) -> Mixture:
        """The mixture of all changes: the bad lock."""
        return frozenset(range(len(self.changes)))

    def names(self, mixture: Mixture) -> set[str]:
        """Return the names of the packages that a mixture has from the bad lock."""
        return {self.changes[change].name for change in mixture}

    def of_names(self, names: Sequence[str]) -> Mixture:
        """Return the mixture that has some packages from the bad lock."""
        return frozenset(place for place, one in enumerate(self.changes) if one.name in names)

    def plain(self, mixture: Mixture) -> Lock:
        """Return the lock of a mixture, whatever its packages require."""
        if mixture == self.everything:
            return self.bad
        return mixed(self.good, self.bad, self.names(mixture)) if mixture else self.good

    def lock(self, mixture: Mixture) -> tuple[Lock, str, tuple[Stated, ...]]:
        """Return the lock of a mixture, why it cannot be had (empty if it can), and the requirements in the way.

        Raises:
            HarnessError: The index is out of reach.
        """
        plain = self.plain(mixture)
        if mixture in (frozenset(), self.everything):
            return plain, "", ()
        if self.at_odds():  # uv refuses the two locks themselves, so their metadata alone can tell
            allowed = {(one.package, one.version, one.name) for side in self.contradictions for one in side}
            against = tuple(
                one
                for one in self._contradicted(plain)
                if (one.package, one.version, one.name) not in allowed
            )
            return plain, "; ".join(map(str, against)), against
        found = mix(self.resolver, self.good, self.bad, self.names(mixture), self.requirements)
        if not found.refused and found.lock.packages != plain.packages:
            return plain, "it needs packages that the mixture leaves out", ()
        return found.lock, found.refused, found.ties

    def against(self, mixture: Mixture) -> list[str]:
        """Return the requirements that a mixture contradicts and neither of the two locks does."""
        own = {one for side in self.contradictions for one in side}
        return [str(one) for one in self._contradicted(self.plain(mixture)) if one not in own]

    def at_odds(self) -> bool:
        """Tell whether one of the two locks contradicts itself, as environments that pip made may do."""
        if self._at_odds is None:
            refused = (self.resolver.possible(one) for one in (self.good, self.bad))
            self._at_odds = any(self.contradictions) or any(refused)
        return self._at_odds

    def ties(self, only: Sequence[Stated] | None = None) -> tuple[Tie, ...]:
        """Return the requirements that tie two changes; one that its own lock contradicts is none.

        Args:
            only: Requirements; None for all.
        """
        words = None if only is None else {str(one) for one in only}
        found = dict.fromkeys(self._ties())
        return tuple(one for one in found if words is None or one.requirement in words)

    def _ties(self) -> Iterator[Tie]:
        places = {change.name: position for position, change in enumerate(self.changes)}
        for position, change in enumerate(self.changes):
            for version, is_bad in ((change.before, False), (change.after, True)):
                if version is None:
                    continue
                for tie, wanted in stated(change.name, version, self.requirements, self._interpreter):
                    place = places.get(tie.name)
                    if place is None or place == position:
                        continue
                    other = self.changes[place]
                    own, crossed = (other.after, other.before) if is_bad else (other.before, other.after)
                    if not met(wanted, own) or met(wanted, crossed):
                        continue
                    applied, needed = (position, place) if is_bad else (place, position)
                    yield Tie(frozenset({applied}), frozenset({needed}), str(tie))

    def _contradicted(self, lock: Lock) -> tuple[Stated, ...]:
        return tuple(contradicted(lock, self.requirements, self._interpreter))

    @property
    def _interpreter(self) -> Interpreter:
        return self.resolver.interpreter
