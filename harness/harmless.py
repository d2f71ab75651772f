"""Foreign text made harmless: what a package, a job or an index says never acts on what shows it."""

from __future__ import annotations

import re

# Colours and cursor movements (CSI), titles and links (OSC), and two-character escapes.
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_REDRAWN = re.compile(r"[^\n]*\r(?!\n)")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNPRINTABLE = re.compile("[\x80-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_CONTROLS = {code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)}
_CONTROLS |= {0x7F: "\u2421", 0x2028: "\n", 0x2029: "\n"}


def harmless(text: str) -> str:
    """Return `text` without terminal codes, and with all that is invisible or forbidden made visible."""
    text = _TERMINAL.sub("", text)
    text = _REDRAWN.sub("", text.replace("\r\n", "\n"))
    text = text.translate(_CONTROLS)
    text = _DIRECTION.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)
    return _UNPRINTABLE.sub("\ufffd", text)
