"""A release judged beside the reference that it is compared with, by the oracle that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.verdicts.oracles import ORACLES, with_defaults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration
    from harness.verdicts.verdict import Judgement


def judge_beside(calibration: Calibration, traces: Sequence[Trace], oracle: Mapping[str, Any]) -> Judgement:
    """Judge one release by all its seeds.

    Raises:
        UsageError: The runs of the reference are too few, or too different, to compare anything with.
    """
    compare = ORACLES[oracle["kind"]].compare
    assert compare is not None  # noqa: S101 - an oracle that compares has it
    return compare(calibration, traces, with_defaults(oracle))


def judge_interleaved_with(
    calibration: Calibration, pairs: Sequence[tuple[Trace, Trace]], oracle: Mapping[str, Any]
) -> Judgement:
    """Judge one release by executions (the reference's, its own) that are interleaved; a skip if they are too few."""
    compare = ORACLES[oracle["kind"]].compare_pairs
    assert compare is not None  # noqa: S101 - an oracle that compares interleaved executions has it
    return compare(calibration, pairs, with_defaults(oracle))


def judge_sides(
    calibration: Calibration,
    before: str,
    pairs: Sequence[tuple[Trace, Trace]],
    oracle: Mapping[str, Any],
    boundaries: int,
) -> Judgement:
    """Judge the newer side of a boundary by executions interleaved with the older one.

    Args:
        calibration: What both are compared with.
        before: Version of the older side.
        pairs: Of executions of the older and of the newer side.
        oracle: Its settings.
        boundaries: How many share the risk.
    """
    compare = ORACLES[oracle["kind"]].compare_sides
    assert compare is not None  # noqa: S101 - an oracle that compares interleaved executions has it
    return compare(calibration, before, pairs, with_defaults(oracle), boundaries)
