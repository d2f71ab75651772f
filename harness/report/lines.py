"""What is said of the lines that set a property: one sentence a line, made from `LineResult`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from harness.report.attribution import CodeLine
from harness.report.boundaries import BY_VERDICT
from harness.report.text import number, one_line
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.report.attribution import CauseResult, LineResult
    from harness.report.model import BoundaryResult, ReleaseResult, Report

_MOST_NAMES = 4


def place(code: CodeLine) -> str:
    """Return a line's place as `peft/tuners/lora/layer.py:100`."""
    return f"{one_line(code.file, 200)}:{code.line}"


def deciding(cause: CauseResult) -> list[LineResult]:
    """Return the last lines of both sides, after which the property stayed until training began."""
    return [line for line in cause.lines if line.last]


def sentence(line: LineResult, package: str) -> str:
    """Say which line did what, its text left out.

    Args:
        line: What the watch saw.
        package: The package under test, named where the change lies outside of it.
    """
    where = place(line.code) if line.code else f"code outside of {package}"
    return f"{line.release}: {where} {did(line)}"


def did(line: LineResult) -> str:
    """Say what a line did: `changes the dtype of 8 parameters (q_proj.lora_A, …): float32 -> float16`."""
    later = "" if line.last else "; a later line changes it"
    now = _value(line, line.value)
    if line.value is None:
        return f"removes the {_property(line)} of {_whose(line)}{later}"
    if line.previous is not None:
        before = _value(line, line.previous)
        return f"changes the {_property(line)} of {_whose(line)}: {before} -> {now}{later}"
    if line.property in {"attribute", "config"}:
        return f"sets the {_property(line)} of {_whose(line)} to {now}{later}"
    return f"creates {_whose(line)} with {_property(line)} {now}{later}"


def rows(cause: CauseResult, package: str) -> list[tuple[str, str]]:
    """Return (sentence, text of the line) of the last line of either side; the text may be empty."""
    return [(sentence(line, package), line.code.text if line.code else "") for line in deciding(cause)]


def deepest_line(error: Mapping[str, Any] | None, package: str) -> CodeLine | None:
    """Return the deepest line of the package under test in the traceback of an error."""
    frames = (error or {}).get("frames") or []
    own = [frame for frame in frames if canonicalize_name(frame["package"]) == canonicalize_name(package)]
    return CodeLine(own[-1]["file"], own[-1]["line"], own[-1]["text"], own[-1]["function"]) if own else None


def raised(
    boundary: BoundaryResult, releases: Sequence[ReleaseResult], package: str
) -> list[tuple[str, str]]:
    """Return (sentence, text of the line) of each side of a verdict boundary whose error passed through the package."""
    if boundary.signal not in BY_VERDICT:
        return []
    sides = [release for release in releases if release.version in (boundary.before, boundary.after)]
    deepest = f"is the deepest line of {package} in the traceback"
    return [
        (f"{side.version}: {place(code)}, in {one_line(code.function, 80)}, {deepest}", code.text)
        for side in sides
        if (code := side.raised_at)
    ]


def raised_in_arm(boundary: BoundaryResult, report: Report, arm: str) -> list[tuple[str, str]]:
    """Return the same of the arm with this name."""
    releases = next(result.releases for result in report.arms if result.name == arm)
    return raised(boundary, releases, report.package)


def by_side(cause: CauseResult) -> list[tuple[str, list[LineResult]]]:
    """Return (release, lines) of both sides, the older first; nothing where no line is known."""
    sides = ((cause.before, "before"), (cause.after, "after"))
    if not cause.lines:
        return []
    return [(release, [line for line in cause.lines if line.side == side]) for release, side in sides]


def _property(line: LineResult) -> str:
    words = {"start": "start values (mean, deviation)", "trainable": "requires_grad", "buffer": "dtype"}
    return line.key or words.get(line.property, line.property)


def _whose(line: LineResult) -> str:
    """Return what has the property: `4 parameters (q_proj.lora_A, v_proj.lora_A)`."""
    if line.property == "config":
        return "the configuration"
    names = list(dict.fromkeys(map(_short, line.names)))
    more = ", …" if len(names) > _MOST_NAMES else ""
    noun = {"attribute": "module", "buffer": "buffer"}.get(line.property, "parameter")
    return f"{counted(line.count, noun)} ({', '.join(names[:_MOST_NAMES])}{more})"


def _short(name: str) -> str:
    """Return the last two parts of a name, `weight` left out, since most parameters are called so."""
    parts = [part for part in name.removesuffix(".weight").split(".") if not part.isdecimal()]
    return one_line(".".join(parts[-2:]), 80) or "the model itself"


def _value(line: LineResult, value: Any) -> str:
    if line.property == "start" and isinstance(value, list):
        return ", ".join(number(part) for part in value)
    return one_line(str(value), 120)
