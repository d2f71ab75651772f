"""What an oracle is: a plain function of a trace and its settings, with what each setting takes and means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.keys import Key
    from harness.traces.trace import Trace
    from harness.verdicts.verdict import Judgement


@dataclass(frozen=True, slots=True)
class Oracle:
    """A function that judges, and the settings that it takes.

    Attributes:
        judge: From one trace, and the settings with their defaults, to a verdict.
        options: The settings by name; their check, the schema of scenario.toml and its reference come from here.
        meaning: What is good, in a sentence.
    """

    judge: Callable[[Trace, Mapping[str, Any]], Judgement]
    options: Mapping[str, Key]
    meaning: str
