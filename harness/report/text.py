"""Foreign text made harmless: what a package, a job or a log says never acts on the page that shows it.

`clean` is applied to every text of every output: terminal codes go, control characters and direction overrides
become visible, what XML forbids is replaced. Escaping for HTML, Markdown or XML is the drawers' business.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING

from harness.harmless import harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT_LIMIT = 4_000
NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def capped(text: str, limit: int) -> str:
    """Return at most about `limit` characters: the beginning, a note of what was left out, and the end.

    The end, where errors stand, gets three quarters of the room.
    """
    if len(text) <= limit:
        return text
    head = limit // 4
    tail = limit - head
    return f"{text[:head]}\n[… {len(text) - limit:,} characters left out …]\n{text[-tail:]}"


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return `text` capped, without terminal codes, and with all that is invisible or forbidden made visible."""
    return harmless(capped(text, limit))


def one_line(text: str, limit: int = 400) -> str:
    """Return `text` cleaned, on one line and with at most about `limit` characters."""
    line = " ".join(clean(text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def capital(text: str) -> str:
    """Return `text` with a capital at its beginning; what follows stays, names of devices among it."""
    return text[:1].upper() + text[1:]


def listed(texts: Sequence[str], last: str = " and ") -> str:
    """Return texts as a list in a sentence, with `last` before the last one; another word stands between all."""
    if last != " and ":
        return last.join(texts)
    return last.join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def arrows(text: str) -> str:
    """Return `text` with every ` -> ` as an arrow that stays with what it joins."""
    return text.replace(" -> ", "\N{NO-BREAK SPACE}\N{RIGHTWARDS ARROW}\N{NO-BREAK SPACE}")


def anchor(*parts: str) -> str:
    """Return an id for a deep link; parts that had to be changed get a digest, so that ids stay distinct."""
    wanted = "-".join(parts)
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted)[:80]
    return (
        safe
        if safe == wanted
        else f"{safe}-{hashlib.sha256(wanted.encode('utf-8', 'replace')).hexdigest()[:6]}"
    )


def number(value: float | str | None) -> str:
    """Return a number as a person reads it: four significant digits, NaN and ∞ by name, None as a dash."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return one_line(value, 40)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    return f"{value:.4g}"


def seconds(value: float | None) -> str:
    """Return a length of time: `0.42 s`, `12 s`, `3 min 20 s`."""
    if value is None:
        return NOTHING
    if value < 10:
        return f"{value:.2f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def memory(value: int | None) -> str:
    """Return an amount of memory in MB."""
    return NOTHING if value is None else f"{value / 1e6:,.0f} MB"
