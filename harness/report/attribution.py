"""What a report says of causes and remedies: `cause`, `interventions` and `survival` of report.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.report.profiled import ProfileResult


@dataclass(frozen=True, slots=True)
class DifferenceResult:
    """One group of census differences; `harness.cause.groups.Group` tells the fields."""

    text: str
    kind: str
    key: str
    before: Any
    after: Any
    names: list[str]
    count: int
    transplantable: bool


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One release with the other side's property.

    Attributes:
        as_other: It did as the other side does untouched; None if the transplant could not be done.
        equal_trace: It even left the other side's trace, bit for bit (or within the noise of repeats).
        probe, trace: Digests.
    """

    release: str
    verdict: str
    reason: str
    as_other: bool | None
    equal_trace: bool
    probe: str | None
    trace: str | None


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """One group (or all together) exchanged between the sides.

    Attributes:
        status: confirmed (cures and breaks), supported (one of them), refuted (neither), not applicable.
        cure: The bad side with the good side's property.
        breaks: The good side with the bad side's property.
    """

    status: str
    differences: list[DifferenceResult]
    cure: TrialResult
    breaks: TrialResult


@dataclass(frozen=True, slots=True)
class MechanismResult:
    """A rule that recognised what went wrong.

    Attributes:
        rule: Its name.
        text: One sentence with the figures in it.
        step: Where it shows first, from 1; None before or outside of steps.
        figures: What proves it.
        source: Where the rule comes from.
    """

    rule: str
    text: str
    step: int | None
    figures: dict[str, Any]
    source: str


@dataclass(frozen=True, slots=True)
class RungResult:
    """One tensor on both sides.

    Attributes:
        step, phase, name, what, module: Of the frame.
        dtypes: On the older and on the newer side.
        ulps: Largest distance in units of the last place of the coarser dtype; None where there is no number.
        relative: Norm of the difference over the norm of the older side's values; None likewise.
        nonfinite: Count of NaN and infinities on either side.
        differs: Beyond the noise.
    """

    step: int
    phase: str
    name: str
    what: str
    module: str
    dtypes: list[str]
    ulps: float | None
    relative: float | None
    nonfinite: list[int]
    differs: bool


@dataclass(frozen=True, slots=True)
class LadderResult:
    """Where two releases part, in order of execution.

    Attributes:
        equal_before: Tensors that were equal before the first one that differs.
        left_out: Rungs after those shown.
        rungs: From the first that differs on; the first non-finite one is always among them.
        first, first_nonfinite: Positions in `rungs`; None if there is none.
        repeated: Whether repeated executions set a noise floor, since they were not equal bit for bit.
    """

    equal_before: int
    left_out: int
    rungs: list[RungResult]
    first: int | None
    first_nonfinite: int | None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of code; `file` is its path below `site-packages`."""

    file: str
    line: int
    text: str
    function: str = ""


@dataclass(frozen=True, slots=True)
class LineResult:
    """One line that set a property while the model was built, as a watch of every executed line saw it.

    Attributes:
        side: before or after.
        release: Of that side.
        property: As the `kind` of a `DifferenceResult`; `key` likewise.
        names: Canonical names of what has the property, some of them.
        count: How many there are.
        previous, value: The property before and after the line; None where it was not there.
        last: No later line changed it until training began.
        code: The innermost line of the package under test; None where the change lies outside of the package.
        stack: The lines of the package that led to it, the outermost first.
        below: The line of another library, called by `code`, that made the change; None where `code` did it itself.
    """

    side: str
    release: str
    property: str
    key: str
    names: list[str]
    count: int
    previous: Any
    value: Any
    last: bool
    code: CodeLine | None
    stack: list[CodeLine] = field(default_factory=list)
    below: CodeLine | None = None


DIFFERENCES = {
    "other operations": "one side executes operations that the other one does not",
    "other inputs": "the same operation gets another parameter",
    "other arguments": "the same operation gets equal tensors and other arguments",
    "other values": "the same operation gets equal inputs and gives other values",
}
"""{how two releases part: in words}."""


@dataclass(frozen=True, slots=True)
class TensorResult:
    """A tensor that goes into an operation or comes out of it; `parameter` is its canonical name, if it is one."""

    dtype: str
    shape: list[int]
    parameter: str | None = None


@dataclass(frozen=True, slots=True)
class OperationResult:
    """One operation as torch's dispatcher sees it.

    Attributes:
        name: Torch's, as `aten.mm.default`.
        arguments: Those that are no tensors, as texts.
        line: The innermost line of code outside of torch that called it. Of a backward operation: of the forward
            operation that it belongs to.
        own: The innermost line of the package under test; None where none called it.
        script: The innermost line of the job.
    """

    name: str
    inputs: list[TensorResult]
    arguments: list[str]
    outputs: list[TensorResult]
    line: CodeLine | None
    own: CodeLine | None
    script: CodeLine | None


@dataclass(frozen=True, slots=True)
class OperationsResult:
    """The first operation of the first differing step that two releases do differently.

    Attributes:
        step: From 1.
        phase: forward, backward or optimizer.
        kind: One of `DIFFERENCES`.
        equal_before: Operations before it that both sides execute with equal values.
        before, after: What differs on the older and on the newer side; one of them may be empty.
        left_out: How many more there are on each side.
        ulps: Largest distance, in units of the last place of the coarser dtype, of what comes out where both sides
            go on alike; None where there is no number.
        relative: Norm of the difference over the norm of the older side's values; None likewise.
        floor: The relative distance that rounding explains; None where it was not measured.
        rounding: Whether the difference is at most twice the floor; None where that is not known.
    """

    step: int
    phase: str
    kind: str
    equal_before: int
    before: list[OperationResult]
    after: list[OperationResult]
    left_out: list[int]
    ulps: float | None = None
    relative: float | None = None
    floor: float | None = None
    rounding: bool | None = None


@dataclass(frozen=True, slots=True)
class CauseResult:
    """Why two neighbouring releases differ in one arm.

    Attributes:
        kind: regressed, fixed or changed.
        signal: verdict, failure (a verdict by another failure than the one looked for) or trace.
        status: Of the best attempt; `unknown` if the census tells nothing that could be tried. Of a profile that of its
            exchange; `not confirmed` where that proves nothing.
        sentence: The cause, for a person to quote.
        differences: All groups, transplantable or not.
        mechanisms: Of the bad side, the most telling first; empty if no rule matches.
        lines: The lines that set the property which makes the difference, those of the older side first, each side in
            order of execution; empty if none was found. Where no cause is known: of the likeliest difference.
        operations: The first operation that both sides do differently; None if it was not found.
        profile: What takes more time or memory, where the metric that is judged is one of these or a count.
    """

    arm: str
    before: str
    after: str
    kind: str
    signal: str
    status: str
    sentence: str
    differences: list[DifferenceResult]
    attempts: list[AttemptResult]
    mechanisms: list[MechanismResult]
    ladder: LadderResult | None = None
    lines: list[LineResult] = field(default_factory=list)
    operations: OperationsResult | None = None
    profile: ProfileResult | None = None


@dataclass(frozen=True, slots=True)
class CellResult:
    """One remedy on one release.

    Attributes:
        outcome: cures, no effect, worse, error or not applicable.
        note: What else to know, in a few words.
        verdict, reason: With the remedy.
        probe, trace: Digests; None where nothing was executed.
    """

    release: str
    outcome: str
    note: str
    verdict: str
    reason: str
    probe: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class RemedyResult:
    """One remedy, a cell a release; `by` tells who recommends it."""

    name: str
    description: str
    by: str
    settings: dict[str, Any]
    cells: list[CellResult]


@dataclass(frozen=True, slots=True)
class MatrixResult:
    """All remedies of one arm.

    Attributes:
        releases: The columns.
        baseline: Their verdicts without a remedy.
    """

    arm: str
    releases: list[str]
    baseline: list[str]
    remedies: list[RemedyResult]


@dataclass(frozen=True, slots=True)
class SurvivalResult:
    """How long the trainings of one release lasted.

    Attributes:
        seeds: How many there were.
        failures: How many ended in a failure.
        horizon: Steps of the longest training.
        curve: [step, share still going, lower and upper end of the 95% band], one entry a change, from step 0.
    """

    arm: str
    release: str
    seeds: int
    failures: int
    horizon: int
    curve: list[list[float]] = field(default_factory=list)
