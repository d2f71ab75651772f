"""What is said of functions that take more time or memory: one sentence, a table, and bars of what each adds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.profile_bars import amount, extra, levels
from harness.report.profiled import MEASURES
from harness.report.text import MINUS, NOTHING, one_line
from harness.traces.measured import higher_is_worse

if TYPE_CHECKING:
    from harness.report.attribution import CauseResult
    from harness.report.profile_bars import Segment
    from harness.report.profiled import ExchangeResult, FunctionResult, FunctionSide, ProfileResult

_MOST_OF_IT = 0.8
"""Share of the difference, below which a sentence names a second function."""
_TAKEN_BACK = 0.05
"""What other functions take the other way is told from this share of the difference on."""
_SHOWN = 0.2
"""A profile shows a difference if its own ratio is at least this much of the metric's, both as logarithms."""


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """One function, both sides in words; `adds`: percent of the bar, `less`: it takes less."""

    function: str
    place: str
    text: str
    calls: str
    before: str
    after: str
    change: str
    share: str
    adds: float
    less: bool


@dataclass(frozen=True, slots=True)
class ProfileView:
    """The bars (the whole, its functions, what these call), a row for each function, counts.

    Attributes:
        called: Whether it is known how often functions are called.
    """

    measure: str
    levels: list[list[Segment]]
    rows: list[FunctionRow]
    called: bool
    left_out: str
    counts: list[tuple[str, str, str]]
    counts_note: str


def sentence(cause: CauseResult) -> str:
    """Say which function takes more, and whether that is confirmed; without a full stop; empty without a profile."""
    found = cause.profile
    if found is None:
        return ""
    head = _head(found, cause)
    if found.problem:
        return f"{head}. No profile could be made: {one_line(found.problem, 200)}"
    if not found.functions or not _shows(found):
        older, newer = (amount(total, found.measure) for total in found.totals)
        return (
            f"{head}. The profile does not show it: {older} with {cause.before}, {newer} with {cause.after}. "
            "Not confirmed"
        )
    return f"{head}: {_where(found, cause)}. {_confirmed(found, cause)}"


def view(cause: CauseResult) -> ProfileView | None:
    """Return what a page shows; None where nothing was profiled."""
    found = cause.profile
    if found is None:
        return None
    more = f"{found.left_out} more functions differ." if found.left_out else ""
    counts = [
        (name.replace("_", " "), f"{older:,}", f"{newer:,}") for name, (older, newer) in found.counts.items()
    ]
    note = (
        "Repeated executions gave the same counts."
        if found.equal
        else "Repeated executions gave other counts."
    )
    return ProfileView(
        measure=MEASURES[found.measure],
        levels=levels(found),
        rows=[_row(one, found) for one in found.functions],
        called=found.measure != "bytes",
        left_out=more,
        counts=counts,
        counts_note=note,
    )


def _head(found: ProfileResult, cause: CauseResult) -> str:
    """Say how the newer release differs in the metric: `1.3 takes 2.1 times as long as 1.2`."""
    before, after = found.metric
    if not before or not after:
        return f"{cause.after} differs from {cause.before} in {found.signal}"
    ratio = after / before if higher_is_worse(found.signal) else before / after
    what = {"seconds": "as long as", "bytes": "as much memory as"}.get(
        found.measure, f"as many {MEASURES[found.measure]} as"
    )
    return f"{cause.after} {_does(found)} {_times(ratio)} times {what} {cause.before}"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def _shows(found: ProfileResult) -> bool:
    before, after = found.metric
    if not all((before, after, *found.totals)) or before is None or after is None:
        return True
    ratio = math.log(after / before) * (1 if higher_is_worse(found.signal) else -1)
    own = math.log(found.totals[1] / found.totals[0])
    return own * ratio > 0 and abs(own) >= _SHOWN * abs(ratio)


def _where(found: ProfileResult, cause: CauseResult) -> str:
    first, *others = found.functions
    does = {"seconds": "is in", "bytes": "is held by"}.get(found.measure, "are in")
    said = f"{first.share:.0%} of the {extra(found)} {does} {_name(first)}{_how(first, found, cause)}"
    if first.share < _MOST_OF_IT and others and others[0].share > 0:
        said += f"; {others[0].share:.0%} {does} {_name(others[0])}{_how(others[0], found, cause)}"
    back = sum(abs(one.change) for one in found.functions if one.share < 0)
    if back > _TAKEN_BACK * sum(abs(one.change) for one in found.functions if one.share > 0):
        said += f"; elsewhere {amount(back, found.measure)} {'less' if _grows(found) else 'more'}"
    return said


def _grows(found: ProfileResult) -> bool:
    return found.totals[1] >= found.totals[0]


def _name(one: FunctionResult) -> str:
    side = _larger(one)
    if not one.file or side is None:
        return "code outside of the package and the job"
    return f"`{one_line(one.function, 80)}` ({place(one)})"


def place(one: FunctionResult) -> str:
    """Return where a function, or the line that has most of the difference, is: `toy/model.py:14`."""
    side = _larger(one)
    return f"{one_line(one.file, 200)}:{side.top or side.line}" if side and one.file else ""


def text(cause: CauseResult) -> str:
    """Return the line of code that has most of the difference; empty where none is known."""
    found = cause.profile
    side = _larger(found.functions[0]) if found and found.functions else None
    return side.text if side else ""


def _how(one: FunctionResult, found: ProfileResult, cause: CauseResult) -> str:
    """Say what tells most of a function: how often it is called, or its line executed, or what it takes."""
    before, after = one.before, one.after
    if before is None or after is None:
        lacks = cause.before if before is None else cause.after
        side = _larger(one)
        calls = f"called {side.calls:,} times, and " if side and side.calls else ""
        return f", {calls}not called in {lacks}" if found.measure != "bytes" else f", and not in {lacks}"
    if before.calls != after.calls and before.calls is not None:
        return f", called {after.calls:,} times instead of {before.calls:,}"
    if before.top_count != after.top_count and before.top_count and after.top_count:
        return f", whose line is executed {after.top_count:,} times instead of {before.top_count:,}"
    return f", {amount(after.amount, found.measure)} instead of {amount(before.amount, found.measure)}"


def _larger(one: FunctionResult) -> FunctionSide | None:
    """Return the side that takes more."""
    first, second = (one.after, one.before) if one.change >= 0 else (one.before, one.after)
    return first or second


def _confirmed(found: ProfileResult, cause: CauseResult) -> str:
    """Say what an exchange of the functions showed."""
    made = found.exchange
    if made is None:
        return "Not confirmed: no function of the package that is executed differs between the releases"
    what = _exchanged_what(made, found)
    if made.status == "not applicable":
        return f"Not confirmed: with {what} exchanged, the releases cannot be executed"
    shown = [
        f"{release} with {what} of {other} {_does(found)} {amount(value, found.measure)} instead of {amount(total, found.measure)}"
        for release, other, value, total in _exchanged(made, found, cause)
        if value is not None
    ]
    word = {"confirmed": "Confirmed", "supported": "Supported, one way only"}.get(
        made.status, "Not confirmed"
    )
    return f"{word}: {', and '.join(shown)}"


def _exchanged_what(made: ExchangeResult, found: ProfileResult) -> str:
    if made.what == "files":
        return (
            one_line(made.names[0], 200)
            if len(made.names) == 1
            else f"the {len(made.names)} changed files that are executed"
        )
    if len(made.names) > 1:
        return f"{len(made.names)} changed functions"
    first = found.functions[0]
    name = made.names[0]
    return (
        "this function"
        if name == f"{first.file}: {first.function}"
        else f"`{one_line(name.partition(': ')[2], 80)}`"
    )


def _exchanged(
    made: ExchangeResult, found: ProfileResult, cause: CauseResult
) -> list[tuple[str, str, float | None, float]]:
    return [
        (cause.after, cause.before, made.newer, found.totals[1]),
        (cause.before, cause.after, made.older, found.totals[0]),
    ]


def _does(found: ProfileResult) -> str:
    return {"seconds": "takes", "bytes": "holds"}.get(found.measure, "makes")


def _row(one: FunctionResult, found: ProfileResult) -> FunctionRow:
    side = _larger(one)
    calls = [
        f"{part.calls:,}" if part and part.calls is not None else NOTHING for part in (one.before, one.after)
    ]
    amounts = [amount(part.amount, found.measure) if part else NOTHING for part in (one.before, one.after)]
    sign = "+" if one.change >= 0 else MINUS
    return FunctionRow(
        function=one_line(one.function, 120) if one.file else "outside of the package and the job",
        place=place(one),
        text=one_line(side.text, 200) if side else "",
        calls=calls[0] if calls[0] == calls[1] else " → ".join(calls),
        before=amounts[0],
        after=amounts[1],
        change=f"{sign}{amount(abs(one.change), found.measure)}",
        share=f"{one.share:.0%}".replace("-", MINUS),
        adds=round(100 * min(1.0, abs(one.share)), 2),
        less=one.share < 0,
    )
