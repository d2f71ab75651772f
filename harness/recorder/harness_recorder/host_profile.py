"""What Python does on whose account: calls and seconds by function, counted at every call and return (`sys.setprofile`).

What another library does is done on account of the innermost function of the package under test or of the job that called
it. The time that counting itself takes is left out as far as it can be: the clock stands from the beginning of each
event's handling to its end. What the recorder does counts for nobody.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, List, Tuple

from .sites import IMPORT, INSIDE, OWN, RECORDER, Site, Sites, native

_clock = time.perf_counter


class HostProfile:
    """Profiles this process, in all threads that Python starts from then on.

    Args:
        sites: Take what is counted.
    """

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        self.damaged = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin; what is being executed counts from here on, and as no new call."""
        threading.setprofile(self._begin)
        self._thread = Thread(self.sites)
        self._thread.enter(sys._getframe())  # noqa: SLF001
        sys.setprofile(self._thread.event)

    def stop(self) -> None:
        """End; `damaged` tells whether the job has set a profile of its own meanwhile."""
        if self._thread is not None:
            self.damaged = sys.getprofile() != self._thread.event
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
            self._thread = None

    @property
    def here(self) -> Site:
        """The site on whose account the first thread works."""
        return self.sites.nowhere if self._thread is None else self._thread.site

    def _begin(self, frame: Any, event: str, argument: Any) -> None:
        thread = Thread(self.sites)
        sys.setprofile(thread.event)
        thread.event(frame, event, argument)


class Thread:
    """One thread: on whose account it works, and what comes back when the function that it executes returns.

    Attributes:
        site: On whose account; `below`: the entry of the other library's function that the site called, None in its own.
    """

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._stack: List[Tuple[Site, Any]] = []
        self._ignored = 0
        self.site, self.below = sites.nowhere, None
        self._last = _clock()

    def enter(self, frame: Any) -> None:
        """Take the functions that are being executed for entered."""
        frames = []
        while frame is not None:
            frames.append(frame)
            frame = frame.f_back
        for one in reversed(frames):
            self._enter(one, counted=0)
        self._last = _clock()

    def event(self, frame: Any, event: str, argument: Any) -> None:
        """Take a call or a return, as `sys.setprofile` tells it."""
        if not self._ignored:
            elapsed = _clock() - self._last
            self.site.seconds += elapsed
            if self.below is not None:
                self.below[1] += elapsed
        if event == "call":
            self._enter(frame, counted=1)
        elif event == "c_call":
            if not self._ignored:
                self._stack.append((self.site, self.below))
                if self.below is None:
                    self._under(native(argument))
        else:
            self._leave(event)
        self._last = _clock()

    def _enter(self, frame: Any, counted: int) -> None:
        kind = self._sites.kind(frame)
        if self._ignored or kind == RECORDER:
            self._ignored += 1
            return
        self._stack.append((self.site, self.below))
        if kind == OWN:
            self.site, self.below = self._sites.of(frame.f_code), None
            self.site.calls += counted
        elif kind != INSIDE and self.below is None:
            self._under(self._sites.name(frame))
        if kind != IMPORT:
            self.site.python_calls += counted

    def _leave(self, event: str) -> None:
        if self._ignored:
            self._ignored -= event == "return"
        elif self._stack:
            self.site, self.below = self._stack.pop()

    def _under(self, name: str) -> None:
        self.below = self.site.below.setdefault(name, [0, 0.0])
        self.below[0] += 1
