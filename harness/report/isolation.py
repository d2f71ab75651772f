"""How far probes were shut off, in words: only what held in every execution is claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_NAMES = {
    "files": "files",
    "processes": "processes",
    "network": "network",
    "ipc": "shared memory and semaphores",
}
"""{part, as `harness.probes.isolation.PARTS`: what it is called}."""


def isolation_in_words(holds: Collection[str], *, online: bool, why: str = "") -> str:
    """Return what is shut off.

    Args:
        holds: Parts that held.
        online: Probes may use the network, which then is the machine's.
        why: Why parts are missing; empty where nobody asked for them.
    """
    wanted = [part for part in _NAMES if part != "network" or not online]
    missing = [part for part in wanted if part not in holds]
    reason = f" ({why})" if why and missing else ""
    if len(missing) == len(wanted):
        return f"variables only{reason}"
    held = _listed([part for part in wanted if part in holds])
    return f"own {held}" + (f"; not own {_listed(missing)}{reason}" if missing else "")


def network_in_words(holds: Collection[str], *, online: bool) -> str:
    """Return which network probes have."""
    if online:
        return "allowed"
    if "network" in holds:
        return "off: probes reach no other machine"
    return "off by proxy variables alone: sockets of a job that ignores them reach other machines"


def _listed(parts: Collection[str]) -> str:
    *most, last = (_NAMES[part] for part in parts)
    return f"{', '.join(most)} and {last}" if most else last
