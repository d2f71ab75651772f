"""What is known of a pair question: gathered into these facts first, drawn second; `to_dict` is pair.json (schema 1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.model.codec import from_plain, to_plain

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class PackageRange:
    """A package that varies, and its releases, oldest first."""

    package: str
    versions: list[str]


@dataclass(frozen=True, slots=True)
class CellResult:
    """One pair of releases in one arm.

    Attributes:
        versions: In the order of the packages.
        verdict: good, bad or skip.
        reason: One sentence.
    """

    versions: list[str]
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class PairChange:
    """Two neighbouring releases of one package that differ in verdict, the other package held.

    Attributes:
        package, before, after: What changes.
        held, version: The other package, and its release.
        kind: regressed or fixed.
        skipped: Releases between them without a verdict.
        confirmed: Both sides were executed again in clean processes and said the same.
        moves: Every other package that differs between the two sides' locks, as in `BoundaryResult`.
        commands: How a person executes either side again, the older one first.
    """

    package: str
    before: str
    after: str
    held: str
    version: str
    kind: str
    skipped: list[str] = field(default_factory=list)
    confirmed: bool = False
    moves: list[dict[str, str | None]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PairArm:
    """One arm: its answer and all cells that have a verdict.

    Attributes:
        conclusion: One of the contract's.
        depends: What the verdicts of the corners depend on: `alike`, `one`, `each`, `both` or `untestable`.
        decides: The package that decides alone; with `one` only.
        answer: One or two sentences that a person can quote.
        pair: {package: version} of the cell that differs from its neighbour along either package; else empty.
        changes: What the answer rests on; with a pair, one of each package.
        corners: The cells that stand for the corners; null where there is none.
        notes: What a reader must know besides.
    """

    name: str
    parameters: dict[str, Any]
    conclusion: str
    depends: str
    decides: str | None
    answer: str
    pair: dict[str, str]
    changes: list[PairChange]
    corners: list[list[str] | None]
    cells: list[CellResult]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PartResult:
    """One ordinary run.

    Attributes:
        package: The package that varies, from `first` to `last`.
        held, version: The other package, and its release.
        folder: Of its report, seen from the folder of this one.
        answers: {arm: [conclusion, sentence]}.
    """

    package: str
    first: str
    last: str
    held: str
    version: str
    folder: str
    answers: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class PairReport:
    """One pair question and its answers; fields as in `Report` where they have its names."""

    run: str
    scenario: str
    description: str
    packages: list[PackageRange]
    started: str
    command: str
    arms: list[PairArm]
    parts: list[PartResult] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    harness: str = ""
    script: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the content of pair.json."""
        return {"schema": SCHEMA, **to_plain(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> PairReport:
        """Read the content of a pair.json; unknown fields are left out.

        Raises:
            ValueError: Another schema, a field is missing or has another type.
        """
        if data.get("schema") != SCHEMA:
            raise ValueError(f"pair.json has schema {data.get('schema')!r}, this harness reads {SCHEMA}")
        return from_plain(cls, data)
