"""Profile of time and of counts: what Python does (`host_profile`), and which operations of torch are executed."""

from __future__ import annotations

import linecache
from typing import Any, Dict, List

from .host_profile import HostProfile
from .imports import when_imported
from .sites import Site, Sites, qualified
from .watchpoint import modules_of, relative

_MOST = 200  # sites that are told, of each measure
_MOST_BELOW = 24  # functions of other libraries, and operations with their lines, of each site
MEASURES = ("seconds", "calls", "python_calls")


class TimeProfile:
    """Profiles calls, seconds and operations between `start` and `stop`.

    Args:
        asked: {`package`}.
    """

    def __init__(self, asked: Dict[str, Any]) -> None:
        self._package = str(asked["package"])
        self._sites = Sites(modules_of(self._package))
        self._host = HostProfile(self._sites)
        self._mode: Any = None
        self._counts = {"operations": 0, "allocations": 0}
        self._runs = False

    def start(self) -> None:
        """Begin."""
        self._runs = True
        when_imported("torch", self._follow)
        self._host.start()

    def stop(self) -> Dict[str, Any]:
        """End; return the fields of the event."""
        self._runs = False
        self._host.stop()
        if self._mode is not None:
            self._mode.__exit__(None, None, None)
        sites = self._sites.all()
        return {
            "seconds": sum(site.seconds for site in sites),
            "python_calls": sum(site.python_calls for site in sites),
            **(self._counts if self._mode is not None else {}),
            "damaged": self._host.damaged,
            "sites": [_told(site) for site in _largest(sites)],
        }

    def _follow(self, _torch: Any) -> None:
        if self._runs:
            from .dispatched import Dispatched

            self._mode = Dispatched(self._package, self._take, timed=True)
            self._mode.begin()

    def _take(self, place: Any, name: str, seconds: float, made: List[Any]) -> None:
        code, line = place or (None, 0)
        site = self._host.here if code is None else self._sites.of(code)
        site.seconds += seconds
        row = site.operations.setdefault((name, line), [0, 0.0, 0])
        row[0] += 1
        row[1] += seconds
        row[2] += len(made)
        self._counts["operations"] += 1
        self._counts["allocations"] += len(made)


def _largest(sites: List[Site]) -> List[Site]:
    """Return the sites that are among the largest of any measure."""
    chosen: Dict[int, Site] = {}
    orders = [lambda site, name=name: getattr(site, name) for name in MEASURES]
    orders.append(lambda site: sum(row[0] for row in site.operations.values()))
    for order in orders:
        for site in sorted(sites, key=order, reverse=True)[:_MOST]:  # type: ignore[arg-type]
            if order(site):
                chosen[id(site)] = site
    return list(chosen.values())


def _told(site: Site) -> Dict[str, Any]:
    code = site.code
    below = sorted(site.below.items(), key=lambda item: item[1][1], reverse=True)[:_MOST_BELOW]
    operations = sorted(site.operations.items(), key=lambda item: item[1][1], reverse=True)[:_MOST_BELOW]
    return {
        "file": relative(code.co_filename) if code else "",
        "line": code.co_firstlineno if code else 0,
        "function": qualified(code) if code else "",
        "calls": site.calls,
        "python_calls": site.python_calls,
        "seconds": site.seconds,
        "operations": sum(row[0] for row in site.operations.values()),
        "allocations": sum(row[2] for row in site.operations.values()),
        "below": [[name, *row] for name, row in below],
        "dispatched": [
            [name, line, *row, linecache.getline(code.co_filename, line).strip() if code else ""]
            for (name, line), row in operations
        ],
    }
