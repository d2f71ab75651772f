"""How static figures look, and how an SVG file becomes a part of the page."""

from __future__ import annotations

import re
from typing import Any

from harness.report.curves import COLOURS

_INK, _MUTED, _RULE, _PAPER = "#1b2026", "#5c656e", "#e2e5e8", "#ffffff"
_NAMES = {_INK: "--ink", _MUTED: "--muted", _RULE: "--rule", _PAPER: "--paper"}
_NAMES |= {hexadecimal: name for tones in COLOURS.values() for name, hexadecimal in tones}

WIDTH, HEIGHT = 4.4, 2.7
"""Inches of what the page shows of a figure."""
HEAD = 0.42
"""Inches above it, with the title, in the files alone."""
TITLE = "title"
"""Mark of what belongs to the title, in an SVG file."""

_HUNDREDTHS = re.compile(r"(\.\d\d)\d+")

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "text.color": _INK,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.formatter.useoffset": False,
    "axes.facecolor": "none",
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "path.simplify": False,
    "legend.frameon": False,
    "figure.facecolor": _PAPER,
}


def themed(svg: str) -> str:
    """Return the SVG for the page: its colours and font, and without its title, and nothing that could touch the page around it."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(rf'<g id="{TITLE}">.*?</g>', "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    shown = f"0 {72 * HEAD:g} {72 * WIDTH:g} {72 * HEIGHT:g}"
    body = re.sub(r"<svg [^>]*>", f'<svg viewBox="{shown}" aria-hidden="true" focusable="false">', body)
    body = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", body.replace("xlink:href", "href"))
    for hexadecimal, name in _NAMES.items():
        body = body.replace(hexadecimal, f"var({name})")
    body = re.sub(r' d="[^"]*"', lambda path: _HUNDREDTHS.sub(r"\1", path[0]), body)
    body = re.sub(r"\s*\n\s*", " ", body)
    return re.sub(r"> <", "><", body).strip()
