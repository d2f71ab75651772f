"""Words of judgement: verdict, fingerprint of a failure, effect size."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What is known of one release in one arm."""

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"
    UNTESTED = "untested"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a failure looks like, so that two failures can be told to be the same one.

    Attributes:
        kind: `non-finite loss`, `non-finite weight`, `exception`, `loss not learnt`, `loss higher` and so on.
        step: Optimizer step, counted from 1; None where it has no meaning.
        phase: `forward`, `backward` or `optimizer`; None where it has no meaning.
        parameter: Canonical name of the first parameter concerned.
        exception: Class name of the exception.
        level: Of a metric whose every change counts, the value of the first release that had it, rounded.
    """

    kind: str
    step: int | None = None
    phase: str | None = None
    parameter: str | None = None
    exception: str | None = None
    level: float | None = None

    def same_failure(self, other: Fingerprint | None) -> bool:
        """Tell whether both are the same failure; the step may differ, for it moves with rounding."""
        mine = (self.kind, self.phase, self.parameter, self.exception, self.level)
        return other is not None and mine == (
            other.kind,
            other.phase,
            other.parameter,
            other.exception,
            other.level,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that have a value."""
        pairs = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in pairs if value is not None}


@dataclass(frozen=True, slots=True)
class Effect:
    """How far a measured quantity lies from the bound it was judged by.

    Attributes:
        name: The quantity, as `mean loss of the last 20 steps`.
        value: As measured; may be NaN or infinite.
        bound: What separates good from bad, in the same unit; None if there is none.
        low, high: Ends of the confidence interval; None if there is none.
    """

    name: str
    value: float
    bound: float | None = None
    low: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all fields, the interval's only where there is one."""
        ends = {} if self.low is None else {"low": self.low, "high": self.high}
        return {"name": self.name, "value": self.value, "bound": self.bound, **ends}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason, which a skip never lacks.

    Attributes:
        verdict: good, bad, skip or untested.
        reason: One sentence for a person.
        fingerprint: What the failure looks like; bad verdicts only.
        effect: The quantity the verdict rests on, where there is one.
    """

    verdict: Verdict
    reason: str
    fingerprint: Fingerprint | None = None
    effect: Effect | None = None
