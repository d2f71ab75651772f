"""How long a step takes, what the recorder does in it left out where that can be told."""

from __future__ import annotations

import time


class Clock:
    """Adds up the time that passes outside of `with clock:` blocks, in which the recorder works.

    A GPU works while the program goes on, and it is the recorder that waits for it: there only the time from the end
    of one step to the end of the next one means anything, and nothing is left out.
    """

    def __init__(self) -> None:
        self._whole = False
        self._sum = 0.0
        self._since = self._last = time.perf_counter()

    def __enter__(self) -> Clock:  # noqa: PYI034 - typing.Self needs Python 3.11
        self._sum += time.perf_counter() - self._since
        return self

    def __exit__(self, *_: object) -> None:
        self._since = time.perf_counter()

    def restart(self, *, whole: bool) -> None:
        """Begin the first step now.

        Args:
            whole: Count what the recorder does too.
        """
        self._whole, self._sum = whole, 0.0
        self._since = self._last = time.perf_counter()

    def step(self) -> float:
        """End a step, inside a block; return its seconds."""
        now = time.perf_counter()
        seconds = now - self._last if self._whole else self._sum
        self._sum, self._last = 0.0, now
        return round(seconds, 7)
