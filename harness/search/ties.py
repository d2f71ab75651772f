"""Ties between changes: which mixtures cannot exist, because a requirement of one package binds another.

A change is applied or reverted. A tie forbids every mixture that applies some changes and reverts some others. Of
two packages, "a new x requires a new y" forbids x without y, and "an old x requires an old y" forbids y without x;
so a tie can bind in one direction only. The mixtures that single ties allow form a distributive lattice
(G. Birkhoff, "Rings of sets", Duke Mathematical Journal 3, 1937); the search moves along chains of that lattice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Mixture: TypeAlias = frozenset[int]
"""The changes, by number, that are applied to the good environment; all others are reverted."""


@dataclass(frozen=True, slots=True)
class Tie:
    """No mixture applies all of `applied` and none of `needed`.

    Attributes:
        applied: Changes; at least one.
        needed: Changes, one of which has to be applied too; at least one.
        requirement: What ties them, as the package states it: `jax 0.5 requires jaxlib>=0.5`.
    """

    applied: Mixture
    needed: Mixture
    requirement: str = ""

    def __post_init__(self) -> None:
        if not self.applied or not self.needed or self.applied & self.needed:
            raise ValueError(
                "a tie needs a change that is applied and another one that is reverted: "
                f"applied {sorted(self.applied)}, needed {sorted(self.needed)}"
            )

    def forbids(self, mixture: Mixture) -> bool:
        """Tell whether the mixture breaks the tie."""
        return self.applied <= mixture and not self.needed & mixture


class Ties:
    """All ties known so far.

    Attributes:
        known: The ties, in the order learnt.
    """

    def __init__(
        self, known: Iterable[Tie] = (), weight: Callable[[int], float] = lambda _change: 1.0
    ) -> None:
        """Take ties, and the suspicion of a change; where a tie leaves a choice, the least suspicious goes along."""
        self.known = tuple(dict.fromkeys(known))
        self._weight = weight

    def allow(self, mixture: Mixture) -> bool:
        """Tell whether no tie forbids the mixture."""
        return not any(tie.forbids(mixture) for tie in self.known)

    def closed(self, mixture: Mixture, within: Mixture) -> Mixture:
        """Return the mixture with what its changes need.

        Args:
            mixture: A part of `within`.
            within: A mixture that no tie forbids.
        """
        while (tie := self._broken(mixture)) is not None:
            mixture |= {min(tie.needed & within, key=self._least)}
        return mixture

    def without(self, mixture: Mixture, gone: Mixture, keep: Mixture = frozenset()) -> Mixture:
        """Return the mixture without some changes and without what needs them.

        Args:
            mixture: No tie forbids it.
            gone: Changes to revert.
            keep: A part of the mixture that stays whole; no tie forbids it, and nothing of it is in `gone`.
        """
        mixture -= gone
        while (tie := self._broken(mixture)) is not None:
            mixture -= {min(tie.applied - keep, key=self._least)}
        return mixture

    def chain(self, low: Mixture, high: Mixture, order: Iterable[int]) -> list[Mixture]:
        """Return mixtures that no tie forbids, each within the next, from `low` to `high`, in the finest steps.

        Args:
            low: No tie forbids it.
            high: No tie forbids it; `low` lies within.
            order: Changes that shall come early come first; what they need comes before them.
        """
        chain = [low]
        for change in order:
            if change not in high or change in chain[-1]:
                continue
            new = self.closed(chain[-1] | {change}, high) - chain[-1]
            for step in sorted((self.closed(chain[-1] | {one}, high) for one in sorted(new)), key=len):
                grown = self.closed(chain[-1] | step, high)
                if grown != chain[-1]:
                    chain.append(grown)
        return chain

    def parts(self, mixture: Mixture) -> list[Mixture]:
        """Return the smallest parts of a mixture that can be reverted from it, each by itself.

        Changes that only others of the mixture need are in no part.
        """
        parts = {mixture - self.without(mixture, frozenset({change})) for change in mixture}
        return sorted((part for part in parts if not any(other < part for other in parts)), key=sorted)

    def between(self, some: Mixture, others: Mixture) -> tuple[Tie, ...]:
        """Return the ties that bind one of `some` with one of `others`, in any direction."""
        return tuple(
            tie
            for tie in self.known
            if (tie.applied & some and tie.needed & others) or (tie.applied & others and tie.needed & some)
        )

    def _broken(self, mixture: Mixture) -> Tie | None:
        return next((tie for tie in self.known if tie.forbids(mixture)), None)

    def _least(self, change: int) -> tuple[float, int]:
        return self._weight(change), change
