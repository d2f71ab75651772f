"""What a report says: gathered into these facts first, drawn second.

`to_dict` of a `Report` is `report.json` (schema 2), and `from_dict` its reverse, so that a stored run can be
drawn again. The drawers (`page`, `summary`, `junit`) read these facts and traces, and nothing else.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from harness.errors import UsageError
from harness.files import read_json
from harness.model.codec import from_plain, to_plain
from harness.report.attribution import CauseResult, CodeLine, MatrixResult, SurvivalResult
from harness.report.axes import AxisChange, AxisResult, GridResult, PartResult, Point
from harness.report.blamed import BlameResult
from harness.report.commits import CommitAnswer
from harness.report.hunks import HunkAnswer
from harness.report.opened import DependencyAnswer
from harness.report.policies import PolicyResult
from harness.report.repro import ReproResult
from harness.report.tests import TestsResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Stored = TypeVar("Stored")

SCHEMA = 2
"""Schema 2 has `question` and `job`; a report of schema 1 is read without them."""


@dataclass(frozen=True, slots=True)
class PrefixResult:
    """What the first steps of a release showed, where it was executed for these alone.

    Attributes:
        steps: How many.
        digest: Of census, start values and these steps, of every seed: equal ones mean equal beginnings, bit for bit.
        census: Digest of the census; None without one.
        executions: [{`probe`, `repeat`, `seed`}].
        repeated: Whether a further execution gave the same digest; None if there was none.
        like: The release, executed in full, that stands for this one; empty where this one was executed in full
            itself, or where nothing stands for it.
        verdict: Of that release; empty without one.
    """

    steps: int
    digest: str
    census: str | None = None
    executions: list[dict[str, Any]] = field(default_factory=list)
    repeated: bool | None = None
    like: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """One release in one arm.

    Attributes:
        version: As the index spells it.
        uploaded: ISO time, or None if the index does not tell.
        yanked: Whether the index says that it was yanked.
        verdict: good, bad, skip or untested.
        reason: One sentence.
        skip_kind: A `SkipKind`: why there is no verdict; empty where there is one, or where that is not known.
        module: The module that an import did not find; empty without one.
        raised_in: The package whose code raised the error, empty if not known; `raised_version`: its version by the
            release's lock, empty where the lock does not have it.
        raised_at: The deepest line of the package under test in the traceback of the error; None without one.
        fingerprint: Fields of a `Fingerprint`; bad verdicts, and skips by another failure.
        effect: Fields of an `Effect`; `low` and `high` only where it has an interval, `signal` and `measured` only
            where its own value is known.
        lock: Digest of its lock, None if it could not be resolved.
        probe: Digest of its probe, None if none was run.
        trace: Digest of what was measured, None without a training.
        seconds: {`environment`, `import`, `training`}; None where it was not reached.
        memory_peak: Bytes, or None.
        repeats: Verdicts of further executions of the same probe.
        executions: [{`probe`, `repeat`, `seed`, `verdict`}], every execution that was judged; this is what
            `judge` reads again. Where it was interleaved with the reference, `turns`: [{`reference`, `release`
            (digests of both probes), `repeat` (of both)}].
        command: How a person runs this probe again.
        point: Both packages with their releases, in a question about two; else None.
        prefix: What its first steps showed, where it was executed for these alone at first; else None.
        inferred: `equal to 0.9.0 for 20 steps, bit for bit`, of a release that was executed for its first steps alone
            and for which another one stands. Its verdict is `untested`. Empty for any other.
    """

    version: str
    uploaded: str | None
    verdict: str
    reason: str
    yanked: bool = False
    fingerprint: dict[str, Any] | None = None
    effect: dict[str, Any] | None = None
    lock: str | None = None
    probe: str | None = None
    trace: str | None = None
    seconds: dict[str, float | None] = field(default_factory=dict)
    memory_peak: int | None = None
    repeats: list[str] = field(default_factory=list)
    executions: list[dict[str, Any]] = field(default_factory=list)
    command: str = ""
    skip_kind: str = ""
    module: str = ""
    raised_in: str = ""
    raised_version: str = ""
    point: Point | None = None
    raised_at: CodeLine | None = None
    prefix: PrefixResult | None = None
    inferred: str = ""

    @property
    def standing(self) -> str:
        """What a table or a picture calls it: its verdict, or `inferred`."""
        return "inferred" if self.inferred else self.verdict


@dataclass(frozen=True, slots=True)
class DeviceSide:
    """What one side of a boundary did on one device.

    Attributes:
        verdict: good, bad, skip or untested.
        reason: One sentence.
        loss: The last one; None where none was recorded.
        executions: How many of it are stored.
        probe: Digest of the first of them, None without one.
        trace, census: Digests, None without a training or a census.
    """

    verdict: str
    reason: str
    loss: float | str | None = None
    executions: int = 0
    probe: str | None = None
    trace: str | None = None
    census: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceResult:
    """Both sides of a boundary on one device.

    Attributes:
        device: cpu or cuda.
        name: Of the processor or GPU, empty if no trace tells it.
        torch: Its version there, empty where there is none.
        agrees: Whether it shows the boundary as the run's own device does; None if it cannot tell. The own device
            agrees with itself.
    """

    device: str
    name: str
    torch: str
    before: DeviceSide
    after: DeviceSide
    agrees: bool | None = None


@dataclass(frozen=True, slots=True)
class BoundaryResult:
    """Two neighbouring testable releases that differ in one signal.

    Attributes:
        kind: regressed, fixed or changed.
        signal: verdict; failure, where another failure than the one looked for begins or ends; census; trace.
        before, after: The two releases.
        skipped: Releases between them without a verdict, in order.
        untested: Releases between them that nobody probed; with any, the boundary is not final.
        confirmed: Both sides were executed again in clean processes and said the same.
        repeated_steps: How many steps of them were executed again, where these alone show it; None: all.
        details: What differs, one line each, grouped ("8 lora_A, lora_B: dtype float32 -> float16").
        moves: [{`name`, `before`, `after`}], every package that differs between the two sides' locks, the package
            under test first; a version is null where the package is absent, and both are equal where only its
            files differ. Empty if a lock is not known.
        devices: What every device said of both sides, the run's own first; empty if no other device was asked.
        agreement: That in one sentence.
        direct: {`verdict` (differs or undecided), `reason`, `effect`, `turns`} of both sides interleaved with
            each other, where a metric that is not reproducible is compared; else empty.
        commits: Which commit between both releases does it; None if `descend` was not asked.
        hunks: Which hunks do it, of that commit or, where none is known, of all between both releases; None if
            `descend` was not asked.
        repro: A script that stands alone and shows it; None if `repro` was not asked.
        dependencies: Which of the changes in `moves` brings the failure; None if the package alone differs, or
            if that was not asked.
        axis: In a question about two packages, which of them varies here; then `before`, `after`, `skipped` and
            `untested` name pairs. Else None.
    """

    kind: str
    signal: str
    before: str
    after: str
    skipped: list[str] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)
    confirmed: bool = False
    details: list[str] = field(default_factory=list)
    moves: list[dict[str, str | None]] = field(default_factory=list)
    devices: list[DeviceResult] = field(default_factory=list)
    agreement: str = ""
    direct: dict[str, Any] = field(default_factory=dict)
    dependencies: DependencyAnswer | None = None
    axis: AxisChange | None = None
    hunks: HunkAnswer | None = None
    commits: CommitAnswer | None = None
    repro: ReproResult | None = None
    repeated_steps: int | None = None

    @property
    def disputed(self) -> bool:
        """Whether another device contradicts it: then nobody is to blame."""
        return any(one.agrees is False for one in self.devices)


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One arm: its answer and all its releases, oldest first.

    Attributes:
        conclusion: regressed, fixed, non-monotone, always-good, never-good, untestable-gap or inconclusive.
        answer: One sentence that a person can quote.
        deterministic: Repeated executions gave the same trace bit for bit; None if nothing was repeated.
        confidence: Probability that all boundaries in verdict lie where they are said to lie; None without one.
        support: The executions that the conclusion rests on, in one sentence.
        search: Strategy and options of the search, for `judge` to replay.
        calibration: {`reference`, `comparisons`, `probes`, `repeats`, `seeds`} of the A/A runs, where releases are
            compared; `passed_over`: {release that could not be the reference: why}.
        notes: What a reader must know besides (changes of strategy, fallbacks).
        fault: What the harness itself could not do, if that is why there is no answer; else empty.
        alone: What the run's own device concludes, where another device contradicts it; else empty.
        hash_seed: {`version`, `fails`, `passes` (values of PYTHONHASHSEED), `executions` (of each, all alike)} of a
            release whose verdict depends on the hash seed; empty where none is known.
        grid: What the pairs say together, in a question about two packages; else None. `releases` are then the pairs
            that have a verdict, by the first package's release and then the second's.
        tests: What became of each test, where the job runs pytest; else None.
    """

    name: str
    parameters: dict[str, Any]
    conclusion: str
    answer: str
    boundaries: list[BoundaryResult]
    releases: list[ReleaseResult]
    deterministic: bool | None = None
    confidence: float | None = None
    support: str = ""
    search: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    fault: str = ""
    alone: str = ""
    hash_seed: dict[str, Any] = field(default_factory=dict)
    grid: GridResult | None = None
    tests: TestsResult | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One run: the question, where it was asked, and the answers.

    Attributes:
        run: Name of the run, as its folder.
        host: {`python`, `torch`, `device`, `cpu`, `gpu`, ...} all text or None.
        environment: {`policy`, `pins` [requirement], `packages` {name: version} of all that is the same
            everywhere, `moves` {release: [what its requirements moved]}, `torch` (choice), `proof`}.
        command: The command line that asks the question again.
        warnings: Things the reader must know of the whole run.
        cause: Why neighbouring releases differ, a boundary each.
        question: What was asked, as `harness.model.codec` writes a `Question`; empty in a report of schema 1.
        whole: What the run is a part of, as a `Whole`, if it belongs to a question about two packages; else empty.
        job: {`name` of the scenario, `digest` of all that the job may read, `files` {path in the run's folder `job`:
            SHA-256}, `left_out` [path of a file that is too large to be kept]}; empty in a report of schema 1.
        oracle: What the run was judged by; in a report of schema 1 empty for a scenario.
        script: Text of a command's script, for the issue; empty for a scenario, which has a name.
        cause_search: A `CauseSearch`: whether causes were sought, and why not; empty if an older harness wrote it.
        interventions: Remedies tried, an arm each.
        remedies_left: {arm: seconds that its remedies would take}, where they were not tried for that reason.
        survival: How long trainings last, a release and arm each, where there are several seeds.
        axes: Both packages that vary, in a question about two; else empty. `package` then names both.
        parts: The runs of one package each that such an answer rests on, in the order in which they were asked.
        policies: What releases do under both policies, in a run of policy `as-of`; else empty.
        blame: Which of the changes between two environments does it; None in a run about releases. The two
            environments then stand as the releases `good` and `bad` of the one arm.
    """

    run: str
    scenario: str
    description: str
    package: str
    started: str
    command: str
    host: dict[str, str | None]
    environment: dict[str, Any]
    arms: list[ArmResult]
    warnings: list[str] = field(default_factory=list)
    harness: str = ""
    question: dict[str, Any] = field(default_factory=dict)
    whole: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    oracle: dict[str, Any] = field(default_factory=dict)
    script: str = ""
    cause: list[CauseResult] = field(default_factory=list)
    cause_search: str = ""
    interventions: list[MatrixResult] = field(default_factory=list)
    remedies_left: dict[str, float] = field(default_factory=dict)
    survival: list[SurvivalResult] = field(default_factory=list)
    axes: list[AxisResult] = field(default_factory=list)
    parts: list[PartResult] = field(default_factory=list)
    policies: list[PolicyResult] = field(default_factory=list)
    blame: BlameResult | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `report.json`."""
        return {"schema": SCHEMA, **to_plain(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Report:
        """Read the content of a `report.json`; unknown fields are left out.

        Raises:
            ValueError: Another schema, a field is missing or has another type.
        """
        if data.get("schema") not in range(1, SCHEMA + 1):
            raise ValueError(
                f"report.json has schema {data.get('schema')!r}, this harness reads 1 to {SCHEMA}"
            )
        return from_plain(cls, data)


@contextmanager
def facts_of(path: Path) -> Iterator[None]:
    """Blame the file for what goes wrong in a block that works with the facts of a stored report.

    Its types were checked as it was read. Whether its facts go together, as a side of a boundary that is one of its
    releases, is only seen by who works with them.

    Raises:
        UsageError: An error of Python that such facts lead to; it stays the cause, for `--debug`.
    """
    try:
        yield
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        AssertionError,
    ) as error:
        said = f"{type(error).__name__}: {error}"[:200]
        raise UsageError(
            f"{path}: not a report that this harness can read, its facts do not go together ({said}); take another copy "
            "of it, or ask the question anew"
        ) from error


def read_stored(path: Path, build: Callable[[Any], Stored]) -> Stored:
    """Read the facts of a stored report.

    Args:
        path: Of the JSON file.
        build: Makes the report of its content.

    Raises:
        UsageError: It cannot be read, or another schema wrote it.
    """
    try:
        return build(read_json(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path}: not a report that this harness can read ({str(error)[:300]})") from None
