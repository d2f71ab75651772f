"""Text in Markdown that says what it says and acts on nothing."""

from __future__ import annotations

import re

from harness.report.text import one_line

_SPECIAL = re.compile(r"[\\`*{}\[\]<|#~&@]|(?<!\w)_|_(?!\w)")


def md(text: str, limit: int = 300) -> str:
    """Return `text` on one line, saying in Markdown what it says, without acting (no links, mentions, HTML)."""
    return _SPECIAL.sub(_written, one_line(text, limit))


def _written(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};" if match[0] in "<&@|" else f"\\{match[0]}"


def code(text: str, limit: int = 300) -> str:
    """Return `text` as inline code."""
    line = one_line(text, limit).replace("|", "¦")
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"
