"""Drawn figures, kept by what decides how they look: a figure that was drawn once is never drawn again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from harness.files import read_regular, write_cache

if TYPE_CHECKING:
    from harness.report.drawing import Drawing

MOST = 2_000
"""Figures kept; a run has about 16, each of about 70 kB."""

_CODE = ("plot.py", "theme.py")


@dataclass(frozen=True, slots=True)
class FigureCache:
    """Hands out figures as files' contents.

    Attributes:
        folder: Where they are kept; None to draw every figure anew.
    """

    folder: Path | None = None

    def drawn(self, drawing: Drawing) -> tuple[str, bytes]:
        """Return the SVG and the PNG file of a figure."""
        if self.folder is None:
            return _plot(drawing)
        key = hashlib.sha256(f"{_drawer()} {drawing.digest()}".encode()).hexdigest()[:32]
        svg, png = self.folder / f"{key}.svg", self.folder / f"{key}.png"
        try:
            found = read_regular(svg).decode(), read_regular(png)
            os.utime(svg)  # the least recently used goes first
        except (OSError, ValueError):
            found = _plot(drawing)
            write_cache(png, found[1])
            write_cache(svg, found[0])
        return found

    def trim(self) -> None:
        """Remove the least recently used figures beyond `MOST`."""
        if self.folder is None:
            return
        for svg in oldest_beyond(self.folder, "*.svg", MOST):
            svg.unlink(missing_ok=True)
            svg.with_suffix(".png").unlink(missing_ok=True)


def oldest_beyond(folder: Path, pattern: str, most: int) -> list[Path]:
    """Return the files of a pattern that were written or used longest ago, beyond so many."""
    return sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)[most:]


@cache
def _drawer() -> str:
    """Return what draws: the code and the library, so that neither's next version is handed old figures."""
    code = b"".join((Path(__file__).parent / name).read_bytes() for name in _CODE)
    return f"{hashlib.sha256(code).hexdigest()} matplotlib {version('matplotlib')}"


def _plot(drawing: Drawing) -> tuple[str, bytes]:
    from harness.report.plot import plot  # noqa: PLC0415 - half a second, and often nothing is to be drawn

    return plot(drawing)
