"""What two profiles of neighbouring releases show: facts about the functions that take more time or memory."""

from __future__ import annotations

from dataclasses import dataclass, field

MEASURES = {
    "seconds": "time",
    "bytes": "memory",
    "python_calls": "calls of Python functions",
    "operations": "operations of torch",
    "allocations": "allocations of tensors",
}
"""{what a profile attributes to functions: in words}."""


@dataclass(frozen=True, slots=True)
class FunctionSide:
    """One function in one release.

    Attributes:
        line: First line of the function.
        amount: What is attributed to it, in the profile's measure; with what other libraries do on its account.
        calls: How often it was called; None in a profile of memory.
        top: Number of the line that has the most of what one side has more; None where no line stands out.
        text: Of that line.
        top_count: How often that line was executed; None where that was not counted.
        below: {function of another library or operation of torch: what it takes on this one's account}, the largest.
    """

    line: int
    amount: float
    calls: int | None = None
    top: int | None = None
    text: str = ""
    top_count: int | None = None
    below: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """One function of the package under test or of the job, in both releases.

    Attributes:
        file: Path below site-packages; empty for what no such function does.
        function: Its name, with its class where Python tells it.
        before, after: None in a release that does not execute it.
        share: Of all that is added (or saved), what this function adds (or saves), 0 to 1; negative where it does the
            reverse of the whole.
    """

    file: str
    function: str
    before: FunctionSide | None
    after: FunctionSide | None
    share: float

    @property
    def change(self) -> float:
        """What the newer release has more."""
        sides = (self.before, self.after)
        older, newer = (side.amount if side else 0.0 for side in sides)
        return newer - older


@dataclass(frozen=True, slots=True)
class ExchangeResult:
    """Functions exchanged between two releases, as text: what each release takes with the other one's.

    Attributes:
        what: `functions`, or `files`: all of the files that they are in.
        names: `file: function` of each, or the files.
        older, newer: Total of the older release with the newer one's, and of the newer with the older one's; None
            where it could not be executed.
        status: confirmed (each moves at least half of the way to the other), supported (one does), refuted, or not
            applicable.
    """

    what: str
    names: list[str]
    older: float | None
    newer: float | None
    status: str


@dataclass(frozen=True, slots=True)
class ProfileResult:
    """Which functions make the difference between two releases in time or memory.

    Attributes:
        signal: The metric that differs.
        measure: One of `MEASURES`.
        metric: Median of the metric on the older and on the newer side, as they were judged.
        totals: What the profile measured in all on either side.
        functions: Those that differ most, the largest first.
        left_out: How many more differ.
        counts: {name: [older side, newer side]} of `python_calls`, `operations` and `allocations`.
        equal: Repeated executions of one side gave the same counts, those of `counts`.
        exchange: What exchanging these functions shows; None where nothing could be exchanged.
        problem: Why there is no profile; empty otherwise.
    """

    signal: str
    measure: str
    metric: list[float | None]
    totals: list[float]
    functions: list[FunctionResult]
    left_out: int = 0
    counts: dict[str, list[int]] = field(default_factory=dict)
    equal: bool = True
    exchange: ExchangeResult | None = None
    problem: str = ""
