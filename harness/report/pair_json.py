"""Reads what older harnesses wrote of two packages, `pair.json` (schema 1), as the facts of a report."""

from __future__ import annotations

from typing import Any

from harness.model.codec import from_plain
from harness.report.axes import AxisChange, AxisResult, GridResult, PartResult, Point, packages, pair_name
from harness.report.model import SCHEMA, ArmResult, BoundaryResult, ReleaseResult, Report


def from_pair_json(data: dict[str, Any]) -> Report:
    """Return the report that a pair.json tells; its pairs have no probes, those stand in the reports of its runs.

    Raises:
        ValueError: Another schema, a field is missing or has another type.
        KeyError, TypeError, AttributeError: Likewise.
    """
    if data.get("schema") != 1:
        raise ValueError(f"pair.json has schema {data.get('schema')!r}, this harness reads 1")
    axes = [AxisResult(one["package"], list(one["versions"])) for one in data["packages"]]
    parts = [
        PartResult(
            *(part["package"], part["first"], part["last"], part["held"], part["version"]),
            part["folder"],
            part["answers"],
        )
        for part in data["parts"]
    ]
    names = ("run", "scenario", "description", "started", "command", "warnings", "harness", "script")
    report = Report(
        **{name: data[name] for name in names if name in data},
        package=packages(axes),
        host={},
        environment={},
        arms=[_arm(axes, arm) for arm in data["arms"]],
        axes=axes,
        parts=parts,
    )
    return from_plain(Report, {**report.to_dict(), "schema": SCHEMA})  # complains of fields of other types


def _arm(axes: list[AxisResult], arm: dict[str, Any]) -> ArmResult:
    first, second = axes
    rows = [
        ReleaseResult(
            version=pair_name(axes, cell["versions"]),
            uploaded=None,
            verdict=cell["verdict"],
            reason=cell["reason"],
            point=Point(first.package, cell["versions"][0], second.package, cell["versions"][1]),
        )
        for cell in arm["cells"]
    ]
    return ArmResult(
        name=arm["name"],
        parameters=arm["parameters"],
        conclusion=arm["conclusion"],
        answer=arm["answer"],
        boundaries=[_boundary(axes, change) for change in arm["changes"]],
        releases=rows,
        notes=arm["notes"],
        grid=GridResult(
            arm["depends"],
            arm["decides"],
            arm["pair"],
            [one and pair_name(axes, one) for one in arm["corners"]],
        ),
    )


def _boundary(axes: list[AxisResult], change: dict[str, Any]) -> BoundaryResult:
    axis = AxisChange(change["package"], change["before"], change["after"], change["held"], change["version"])

    def name(version: str) -> str:
        choice = {axis.package: version, axis.held: axis.held_version}
        return pair_name(axes, [choice[one.package] for one in axes])

    return BoundaryResult(
        kind=change["kind"],
        signal="verdict",
        before=name(axis.before),
        after=name(axis.after),
        skipped=[name(version) for version in change["skipped"]],
        confirmed=change["confirmed"],
        moves=change["moves"],
        axis=axis,
    )
