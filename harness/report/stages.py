"""At which stage of the compiler a difference enters: arms that differ in the setting `compile` alone, side by side.

The stages are backends of torch.compile, each of which does what the one before it does and more: `eager` captures graphs and
executes them as they are, `aot_eager` also makes the backward graph ahead of time, `inductor` also writes code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.boundaries import TESTED, strongest_first
from harness.report.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.report.model import ArmResult, Report

STAGES = ("off", "eager", "aot_eager", "inductor")


def stage_sentences(report: Report) -> list[str]:
    """Return for each place that a compiled arm or its twin without the compiler shows, at which stage it enters."""
    return [said for twins in _families(report) for said in _of_family(twins)]


def _families(report: Report) -> Iterator[dict[str, ArmResult]]:
    """Yield {stage: arm}, in order, of arms whose settings are equal but for `compile`; at least two of them."""
    left = [arm for arm in report.arms if str(arm.parameters.get("compile", "off")) in STAGES]
    while left:
        rest = _rest(left[0])
        found = {str(arm.parameters.get("compile", "off")): arm for arm in left if _rest(arm) == rest}
        left = [arm for arm in left if _rest(arm) != rest]
        if len(found) > 1:
            yield {stage: found[stage] for stage in STAGES if stage in found}


def _rest(arm: ArmResult) -> dict[str, object]:
    return {key: value for key, value in arm.parameters.items() if key != "compile"}


def _of_family(twins: dict[str, ArmResult]) -> Iterator[str]:
    every = strongest_first([boundary for arm in twins.values() for boundary in arm.boundaries])
    for signal, before, after in dict.fromkeys((one.signal, one.before, one.after) for one in every):
        if signal == "census":  # taken before anything is compiled
            continue
        has = [stage for stage, arm in twins.items() if (signal, before, after) in _places(arm)]
        lacks = [stage for stage, arm in twins.items() if stage not in has and _tested(arm, before, after)]
        yield f"{signal} {before} -> {after}: {_said(has, lacks)}."


def _places(arm: ArmResult) -> list[tuple[str, str, str]]:
    return [(one.signal, one.before, one.after) for one in arm.boundaries]


def _tested(arm: ArmResult, *versions: str) -> bool:
    """Tell whether both sides were executed: otherwise that there is no boundary says nothing."""
    return {one.version for one in arm.releases if one.verdict in TESTED}.issuperset(versions)


def _said(has: list[str], lacks: list[str]) -> str:
    """Return what stages that show a difference and stages that do not say together."""
    beyond = [stage for stage in lacks if STAGES.index(stage) > STAGES.index(has[0])]
    if beyond:
        return f"the compiler's stages disagree: {listed(has)} {_verb(has, 'show')} it, {listed(lacks)} {_verb(lacks, 'do')} not"
    if lacks:
        return f"it enters at the compiler's stage {has[0]}: {listed(lacks)} {_verb(lacks, 'do')} not show it"
    if has[0] == "off":
        return "it is there without the compiler"
    return (
        f"{listed(has)} {_verb(has, 'show')} it; without an arm before that it cannot be told where it enters"
    )


def _verb(stages: list[str], word: str) -> str:
    return word if len(stages) > 1 else {"show": "shows", "do": "does"}[word]
