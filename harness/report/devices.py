"""What several devices make of one boundary, in words: they agree, contradict each other, or one cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.boundaries import BY_VERDICT, TESTED
from harness.report.text import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.report.model import BoundaryResult, DeviceResult, DeviceSide


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One release on one device, in words."""

    device: str
    torch: str
    release: str
    verdict: str
    reason: str
    loss: str
    executions: int


def called(device: DeviceResult) -> str:
    """Return what a sentence calls a device: `CPU`, `GPU NVIDIA T4`."""
    return "CPU" if device.device == "cpu" else f"GPU {device.name}".rstrip()


def rows(boundary: BoundaryResult) -> Iterator[DeviceRow]:
    """Yield both sides on every device, the run's own first."""
    for one in boundary.devices:
        for version, side in ((boundary.before, one.before), (boundary.after, one.after)):
            name = f"{called(one)} ({one.name})" if one.device == "cpu" and one.name else called(one)
            yield DeviceRow(
                name, one.torch, version, side.verdict, side.reason, number(side.loss), side.executions
            )


def agrees(signal: str, own: DeviceResult, there: DeviceResult) -> bool | None:
    """Tell whether another device shows a boundary; None if a side has no verdict there, or nothing to compare."""
    sides = (there.before, there.after)
    if any(side.verdict not in TESTED for side in sides):
        return None
    if signal in BY_VERDICT:
        alike = [side.verdict for side in sides] == [own.before.verdict, own.after.verdict]
        return alike and (signal == "verdict" or there.before.reason != there.after.reason)
    before, after = ((side.census if signal == "census" else side.trace) for side in sides)
    return before != after if before and after else None


def agreement(boundary: BoundaryResult) -> str:
    """Say in one sentence what the devices make of a boundary; empty if there is one alone."""
    own, *others = boundary.devices
    agreed = [called(one) for one in others if one.agrees]
    contrary = [one for one in others if one.agrees is False]
    silent = [f"{called(one)} cannot tell ({_gap(boundary, one)})" for one in others if one.agrees is None]
    if boundary.signal == "verdict":
        head = f"bisected on {called(own)}"
        head += f", confirmed on {' and '.join(agreed)}" if agreed else ""
        said = [f"{head}: {both(boundary, own)}"]
        said += [f"not so on {called(one)}: {both(boundary, one)}" for one in contrary]
        end = "; the devices disagree, so no release is named" if contrary else ""
    else:
        said = [f"the {boundary.signal} changes on {' and '.join([called(own), *agreed])}"]
        said += [f"it does not on {called(one)}" for one in contrary]
        end = ""
    return f"{'; '.join([*said, *silent])}{end}"


def both(boundary: BoundaryResult, device: DeviceResult) -> str:
    """Return both verdicts of a device: `0.6.2 good, 0.7.0 bad`."""
    return f"{boundary.before} {device.before.verdict}, {boundary.after} {device.after.verdict}"


def also_on(boundary: BoundaryResult) -> str:
    """Return the other devices that confirm a boundary, as an addition to `confirmed`; may be empty."""
    names = [called(one) for one in boundary.devices[1:] if one.agrees]
    return f", on {' and '.join(names)} too" if names else ""


def _gap(boundary: BoundaryResult, device: DeviceResult) -> str:
    sides: Sequence[tuple[str, DeviceSide]] = (
        (boundary.before, device.before),
        (boundary.after, device.after),
    )
    gaps = [f"{version}: {side.reason}" for version, side in sides if side.verdict not in TESTED]
    return "; ".join(gaps) or "nothing to compare was recorded"
