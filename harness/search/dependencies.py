"""Which of several dependencies that change together bring a failure: the search for the smallest difference, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.search.culprits import Conclusion
from harness.search.difference import Difference
from harness.search.mixtures import TWICE, Observation, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.search.culprits import Answer
    from harness.search.ties import Mixture


class SpentError(Exception):
    """No execution is left."""


@dataclass(frozen=True, slots=True)
class Culprits:
    """Changes that bring the failure by themselves, none of which can be left out.

    Attributes:
        names: One most often.
        together: Where there are several: it was seen that none of them does it without the others.
    """

    names: tuple[str, ...]
    together: bool = False


def culprits(
    names: Sequence[str], fails: Callable[[frozenset[str], int], bool | None]
) -> tuple[tuple[Culprits, ...], tuple[str, ...]]:
    """Return which of several changes bring the failure, and which could not be kept apart from these.

    It is the search for the smallest difference of two environments (`harness.search.difference`). What single executions
    show is believed if two show it: each set by itself does it, and all others do not. Else all of them are one set, of
    which nothing more is known.

    Args:
        names: All of them together bring it, none does not.
        fails: Is asked with some of them and a number of executions: whether these bring it; None for no evidence.
            It may raise `SpentError`.
    """
    whole = (Culprits(tuple(names)),), ()
    if len(names) == 1:
        return whole
    try:
        answer = _searched(names, fails)
    except SpentError:
        return whole
    if answer.conclusion != Conclusion.FOUND:
        return whole

    def of(mixture: Mixture) -> tuple[str, ...]:
        return tuple(names[place] for place in sorted(mixture))

    return tuple(Culprits(of(one.changes), len(one.parts) > 1) for one in answer.ordered), of(answer.along)


def _searched(names: Sequence[str], fails: Callable[[frozenset[str], int], bool | None]) -> Answer:
    """Return the answer of the search for the smallest difference; what gives no evidence is no mixture for it."""
    search = Difference(len(names))
    outcomes = {True: Outcome.BAD, False: Outcome.GOOD, None: Outcome.OTHER}
    for mixture, outcome in ((frozenset[int](), Outcome.GOOD), (search.evidence.everything, Outcome.BAD)):
        for repeat in range(TWICE):  # they were executed before
            search.tell(Observation(mixture, repeat, outcome, digest=outcome))
    while requests := search.propose():
        for request in requests:
            chosen = frozenset(names[place] for place in request.mixture)
            outcome = outcomes[fails(chosen, request.repeat + 1)]
            search.tell(Observation(request.mixture, request.repeat, outcome, digest=outcome))
    return search.answer()
