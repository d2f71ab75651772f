"""What an oracle is: a plain function of a trace and its settings, with the meaning of each setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.traces.trace import Trace
    from harness.verdicts.verdict import Judgement


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of an oracle: its type, whether it must be given, and its meaning."""

    kind: type | tuple[type, ...]
    meaning: str
    required: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Oracle:
    """A function that judges, and the settings that it takes."""

    judge: Callable[[Trace, Mapping[str, Any]], Judgement]
    options: Mapping[str, Option]
