"""What an oracle is: plain functions of traces and its settings, with the meaning of each setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration
    from harness.verdicts.verdict import Judgement

    Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of an oracle.

    Attributes:
        kind: Its type.
        meaning: In a few words.
        required: It must be given.
        default: What holds where it is not.
        choices: What a text may be; none: anything.
        pattern: The text is a regular expression.
        least: Lower bound of a number, which may be it.
    """

    kind: type | tuple[type, ...]
    meaning: str
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    pattern: bool = False
    least: float | None = None


REFERENCE = Option(str, "the release that is known to be good; default: the oldest of the range")


@dataclass(frozen=True, slots=True)
class Oracle:
    """How one kind judges, and the settings that it takes.

    Attributes:
        judge: Judges one trace.
        options: Its settings by name.
        compares: Whether releases are compared with a reference, which must be executed first.
        compare: Judges a release, all of its seeds, beside the reference.
        runs: (seed, repeat) of each execution of the reference that comparing needs, of so many seeds asked for.
        alone: Whether it judges by what the machine does (time, memory), which other probes would disturb.
    """

    judge: Callable[[Trace, Settings], Judgement]
    options: Mapping[str, Option]
    compares: Callable[[Settings], bool] = lambda _settings: False
    compare: Callable[[Calibration, Sequence[Trace], Settings], Judgement] | None = None
    runs: Callable[[Settings, int], Sequence[tuple[int, int]]] = lambda _settings, _seeds: [(0, 0)]
    alone: Callable[[Settings], bool] = lambda _settings: False
