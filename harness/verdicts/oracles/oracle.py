"""What an oracle is: plain functions of traces and its settings, with what each setting takes and means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.keys import Key
from harness.keys.kinds import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.probes.probe import Execution
    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration
    from harness.verdicts.verdict import Judgement

    Settings = Mapping[str, Any]
    Pair = tuple[Trace, Trace]

REFERENCE = Key(
    VERSION,
    "the release that is compared with; none: the oldest of the range that can be tested and is good by itself, "
    "where a repair is looked for the newest",
    example="0.6.2",
)
"""A setting of every oracle that compares."""


@dataclass(frozen=True, slots=True)
class Oracle:
    """How one kind judges, and the settings that it takes.

    Attributes:
        judge: From one trace, and the settings with their defaults, to a verdict.
        options: The settings by name; their check, the schema of scenario.toml and its reference come from here.
        meaning: What is good, in a sentence.
        compares: Whether releases are compared with a reference, which must be executed first.
        compare: Judges a release, all of its seeds, beside the reference.
        runs: (seed, repeat) of each execution of the reference that comparing needs, of so many seeds asked for.
        alone: Whether it judges by what the machine does (time, memory), which other probes would disturb.
        interleaves: Whether a release is compared by interleaving it with the reference, of what is known of that.
        compare_pairs: Judges a release by executions (the reference's, its own) that are interleaved; a skip as long as they
            are too few.
        compare_sides: Judges the newer side of a boundary by executions interleaved with the older one, whose version
            it is handed, and how many boundaries share the risk.
        looks: After how many pairs to look.
        two_sided: Whether every change counts, whichever its direction.
        clean: Whether it must see what a process does from its very beginning, which a warm start hides.
        by_end: Judges in place of `judge` where how the process ended decides; handed that, trace and output.
    """

    judge: Callable[[Trace, Settings], Judgement]
    options: Mapping[str, Key]
    meaning: str
    compares: Callable[[Settings], bool] = lambda _settings: False
    compare: Callable[[Calibration, Sequence[Trace], Settings], Judgement] | None = None
    runs: Callable[[Settings, int], Sequence[tuple[int, int]]] = lambda _settings, _seeds: [(0, 0)]
    alone: Callable[[Settings], bool] = lambda _settings: False
    interleaves: Callable[[Settings, Calibration], bool] = lambda _settings, _calibration: False
    compare_pairs: Callable[[Calibration, Sequence[Pair], Settings], Judgement] | None = None
    compare_sides: Callable[[Calibration, str, Sequence[Pair], Settings, int], Judgement] | None = None
    looks: Callable[[Settings], Sequence[int]] = lambda _settings: ()
    two_sided: Callable[[Settings], bool] = lambda _settings: False
    clean: bool = False
    by_end: Callable[[Execution, Trace, str, Settings], Judgement] | None = None
