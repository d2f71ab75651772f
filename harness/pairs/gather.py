"""From what a pair investigation found to its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.pairs.answer import Words, unfinished
from harness.pairs.model import PairArm, PairChange, PairReport
from harness.runs.bisect import script_text
from harness.sessions.asked import probe_command
from harness.version import __version__

if TYPE_CHECKING:
    from harness.pairs.investigate import PairInvestigation
    from harness.scenario import Arm
    from harness.search.grid import Cell, Change


def gather(whole: PairInvestigation) -> PairReport:
    """Put everything that was found into one report."""
    return PairReport(
        run=whole.name,
        scenario=whole.asked.scenario.name,
        description=whole.asked.scenario.description,
        packages=whole.packages,
        started=whole.started.isoformat(timespec="seconds"),
        command=whole.asked.command,
        arms=[_arm(whole, arm) for arm in whole.asked.arms],
        parts=whole.parts,
        warnings=whole.warnings,
        harness=__version__,
        script=script_text(whole.asked.scenario),
    )


def _arm(whole: PairInvestigation, arm: Arm) -> PairArm:
    grid, cells = whole.grids[arm.name], whole.cells[arm.name]
    found = grid.answer()
    dtype = arm.parameters.get("dtype")
    words = Words(f"{dtype} training" if isinstance(dtype, str) else "the job", whole.packages, cells)
    changes = [_change(whole, arm, one) for one in found.changes]
    return PairArm(
        name=arm.name,
        parameters=dict(arm.parameters),
        conclusion=found.conclusion.value,
        depends=found.shape.value,
        decides=None if found.axis is None else whole.packages[found.axis].package,
        answer=words.sentence(found, changes, grid.ends()),
        pair=_named(whole, found.pair),
        changes=changes,
        corners=[None if one is None else list(_named(whole, one).values()) for one in found.corners],
        cells=[cells[cell] for cell in sorted(cells)],
        notes=[
            *words.notes(found, grid.ends(), sorted(grid.disputed)),
            *unfinished(whole.parts, arm.name),
        ],
    )


def _change(whole: PairInvestigation, arm: Arm, found: Change) -> PairChange:
    boundary, versions = found.boundary, whole.packages[found.axis].versions
    before, after = versions[boundary.before], versions[boundary.after]
    part = whole.part(found.axis, found.at, before, after, [arm.name])
    asked = whole.ask(part)
    return PairChange(
        package=part.package,
        before=before,
        after=after,
        held=part.held,
        version=part.version,
        kind=boundary.kind,
        skipped=[versions[position] for position in boundary.skipped],
        confirmed=boundary.confirmed,
        moves=[one for one in whole.moves[arm.name, found] if one["name"] not in (part.package, part.held)],
        commands=[
            probe_command(asked.question, version, arm.name, asked.scenario.oracle)
            for version in (before, after)
        ],
    )


def _named(whole: PairInvestigation, cell: Cell | None) -> dict[str, str]:
    """Return {package: version} of a cell; nothing for none."""
    if cell is None:
        return {}
    return {one.package: one.versions[place] for one, place in zip(whole.packages, cell, strict=True)}
