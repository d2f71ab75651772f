"""What goes to a terminal: texts of jobs, packages and indexes never act on it, wherever in an output they stand.

Standard output and standard error are wrapped once, for all that is printed; what is drawn with styles goes past the
wrapper, through a console that makes its texts harmless first.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from harness.harmless import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console


class Harmless:
    """A text stream whose texts are made harmless; all else is the stream's own."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text."""
        self.stream.write(harmless(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        """Return what the stream has."""
        return getattr(self.stream, name)


@contextmanager
def harmless_streams() -> Iterator[None]:
    """Wrap standard output and standard error while a command runs."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Harmless(before[0]), Harmless(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def terminal(*, stderr: bool = False, **options: Any) -> Console:
    """Return a console of which styles may act on the terminal, and texts may not.

    Args:
        stderr: Whether it writes to standard error.
        options: Of `rich.console.Console`.
    """
    from rich.console import Console  # noqa: PLC0415 - kept out of start-up
    from rich.segment import Segment  # noqa: PLC0415

    class Terminal(Console):
        """Makes the text of every segment harmless; segments of control are rich's own."""

        def render(self, *renderable: Any, **options: Any) -> Iterator[Segment]:
            """Render, text by text."""
            for segment in super().render(*renderable, **options):
                text = segment.text if segment.control else harmless(segment.text)
                yield Segment(text, segment.style, segment.control)

    stream = sys.stderr if stderr else sys.stdout
    return Terminal(file=getattr(stream, "stream", stream), emoji=False, **options)
