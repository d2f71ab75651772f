"""Words of judgement: verdict, fingerprint of a failure, effect size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What is known of one release in one arm."""

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"
    UNTESTED = "untested"


class SkipKind(StrEnum):
    """Why an execution gives no verdict; what a reader can do about it follows from this and not from the reason.

    `OTHER_FAILURE` is a job that was executed and failed, though not by the failure looked for: it could be tested.
    """

    UNRESOLVABLE = "unresolvable"
    WRONG_PYTHON = "wrong-python"
    NOT_INSTALLABLE = "not-installable"
    IMPORT_ERROR = "import-error"
    BEFORE_TRAINING = "before-training"
    BROKEN_OFF = "broken-off"
    OUT_OF_TIME = "out-of-time"
    OUT_OF_MEMORY = "out-of-memory"
    KILLED = "killed"
    RENDEZVOUS = "rendezvous"
    OTHER_FAILURE = "other-failure"
    ASKED = "asked"
    NOT_MEASURED = "not-measured"
    NOT_COMPARABLE = "not-comparable"
    NOT_IDENTICAL = "not-identical"
    UNDECIDED = "undecided"


OUT_OF_STEP = "ranks out of step"
"""Kind of the failure that some ranks wait for what another one never does."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a failure looks like, so that two failures can be told to be the same one.

    Attributes:
        kind: `non-finite loss`, `non-finite weight`, `exception`, `loss not learnt`, `loss higher` and so on.
        step: Optimizer step, counted from 1; None where it has no meaning.
        phase: `forward`, `backward` or `optimizer`, of a notebook the cell; None where it has no meaning.
        parameter: Canonical name of the first parameter concerned.
        exception: Class name of the exception.
        level: Of a metric whose every change counts, the value of the first release that had it, rounded.
        rank: The rank that failed; None where all did, or where there is one process alone.
    """

    kind: str
    step: int | None = None
    phase: str | None = None
    parameter: str | None = None
    exception: str | None = None
    level: float | None = None
    rank: int | None = None

    @property
    def failure(self) -> Fingerprint:
        """What makes two failures the same one: everything but the step, which moves with rounding.

        Which rank is out of step is not always known, and all ranks are a part of it.

        The parameter counts: weights of another module that become non-finite are another failure. It is the first
        one concerned in the model's own order, so it does not move by itself.
        """
        return replace(self, step=None, rank=None if self.kind == OUT_OF_STEP else self.rank)

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
        signal: What the scenario or script calls what was measured; empty if it has no name.
        measured: Its own value with this release, where `value` may be a difference or a ratio; None if unknown.
    """

    name: str
    value: float
    bound: float | None = None
    low: float | None = None
    high: float | None = None
    signal: str = ""
    measured: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all fields, the interval's and the measured value only where there is one."""
        ends = {} if self.low is None else {"low": self.low, "high": self.high}
        own = {} if self.measured is None else {"signal": self.signal, "measured": self.measured}
        return {"name": self.name, "value": self.value, "bound": self.bound, **ends, **own}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason, which a skip never lacks.

    Attributes:
        verdict: good, bad, skip or untested.
        reason: One sentence for a person.
        fingerprint: What the failure looks like; bad verdicts, and skips of the kind `OTHER_FAILURE`.
        effect: The quantity the verdict rests on, where there is one.
        skip_kind: Why there is no verdict; skips only, None where that is not known.
        module: The module that an import did not find, by its whole name; empty without one.
        raised_in: The package whose code raised the error, as the recorder found it; empty if not known.
    """

    verdict: Verdict
    reason: str
    fingerprint: Fingerprint | None = None
    effect: Effect | None = None
    skip_kind: SkipKind | None = None
    module: str = ""
    raised_in: str = ""

    def same_end(self, other: Judgement, *, anywhere: bool = False) -> bool:
        """Tell whether both are good, or both are bad with the same failure (`Fingerprint.failure`).

        A failure without a fingerprint is one that its oracle does not tell from another one.

        Args:
            other: What is compared.
            anywhere: The failure may show in another parameter, and at another level of a metric: of a job in which one
                property was exchanged in some of its modules.
        """
        if self.verdict != other.verdict or self.verdict not in (Verdict.GOOD, Verdict.BAD):
            return False
        mine, theirs = self.fingerprint, other.fingerprint
        if mine is None or theirs is None:
            return True
        if anywhere:
            mine, theirs = (replace(one, parameter=None, level=None) for one in (mine, theirs))
        return mine.failure == theirs.failure
