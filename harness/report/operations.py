"""What is said of the first operation that two releases do differently: one sentence, and both sides in a table."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from harness.report.lines import place
from harness.report.text import arrows, number, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.attribution import (
        CauseResult,
        CodeLine,
        OperationResult,
        OperationsResult,
        TensorResult,
    )

_NAMED = 3
"""Operations that a sentence names."""


@dataclass(frozen=True, slots=True)
class OperationView:
    """One operation: what it is, and (place, text) of the lines that called it, the innermost first."""

    what: str
    lines: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class OperationsView:
    """The sentence, and a row for each operation that differs: older side, newer side."""

    sentence: str
    rows: list[tuple[OperationView | None, OperationView | None]]
    left_out: str


def view(cause: CauseResult) -> OperationsView | None:
    """Return what a page shows; None where no operation was found."""
    found = cause.operations
    if found is None:
        return None
    rows = [
        (_operation(mine) if mine else None, _operation(its) if its else None)
        for mine, its in zip_longest(found.before, found.after)
    ]
    more = sum(found.left_out)
    return OperationsView(arrows(sentence(cause)), rows, f"{more} more operations differ." if more else "")


def sentence(cause: CauseResult) -> str:
    """Say which operation is the first that both sides do differently; empty where none was found."""
    found = cause.operations
    if found is None:
        return ""
    before = f"Step {found.step}, {found.phase}: {found.equal_before} operations are equal. Then "
    return f"{before}{_difference(found, cause)}.{_rounding(found)}"


def _difference(found: OperationsResult, cause: CauseResult) -> str:
    older, newer = cause.before, cause.after
    if found.kind != "other operations":
        mine, its = found.before[0], found.after[0]
        name = _name(mine)
        if found.kind == "other arguments":
            return f"{name} gets other arguments: {_arguments(mine)} in {older}, {_arguments(its)} in {newer}"
        if found.kind == "other inputs":
            return f"{name} gets {_other_inputs(_parameters(mine), _parameters(its), cause)}"
        return f"{name} gets equal inputs and gives other values"
    if not found.after:
        return f"{older} executes {_names(found.before, found.left_out[0])}, which {newer} does not execute there"
    if not found.before:
        return (
            f"{newer} executes {_names(found.after, found.left_out[1])}, which {older} does not execute there"
        )
    theirs, ours = _names(found.before, found.left_out[0]), _names(found.after, found.left_out[1])
    return f"{older} executes {theirs}, and {newer} executes {ours} in that place"


def _other_inputs(older: str, newer: str, cause: CauseResult) -> str:
    if older == newer:  # its values differ, or one side transposes it
        return f"{newer} on both sides, with other values or with its values in another order"
    return f"another parameter: {older} in {cause.before}, {newer} in {cause.after}"


def _rounding(found: OperationsResult) -> str:
    if found.relative is None or found.floor is None or found.rounding is None:
        return ""
    apart = f" The values behind it differ by {number(found.relative)} of their size, "
    said = "as rounding would" if found.rounding else "beyond rounding"
    return f"{apart}{said}: rounding can move these values by {number(found.floor)}."


def _names(several: Sequence[OperationResult], left_out: int) -> str:
    named = ", ".join(_told(one) for one in several[:_NAMED])
    more = len(several) - _NAMED + left_out
    return f"{named} and {more} more" if more > 0 else named


def _told(one: OperationResult) -> str:
    into = ", ".join(map(_tensor, one.inputs)) or "nothing"
    out = ", ".join(dict.fromkeys(tensor.dtype for tensor in one.outputs)) or "nothing"
    return f"{_name(one)} ({into} -> {out})"


def _name(one: OperationResult) -> str:
    return one_line(one.name.removesuffix(".default"), 80)


def _tensor(tensor: TensorResult) -> str:
    own = f" {one_line(tensor.parameter, 80)}" if tensor.parameter else ""
    return f"{tensor.dtype} {tensor.shape}{own}"


def _parameters(one: OperationResult) -> str:
    return ", ".join(_tensor(tensor) for tensor in one.inputs if tensor.parameter)


def _arguments(one: OperationResult) -> str:
    return one_line(", ".join(one.arguments), 160) or "none"


def _operation(one: OperationResult) -> OperationView:
    arguments = f"; {_arguments(one)}" if one.arguments else ""
    lines: list[CodeLine] = []
    for line in (one.line, one.own, one.script):
        if line is not None and line not in lines:
            lines.append(line)
    told = [(place(line), one_line(line.text, 240)) for line in lines]
    return OperationView(f"{arrows(_told(one))}{arguments}", told)
