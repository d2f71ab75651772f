"""Which settings of the job are executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.model.commands import ASKING, EXECUTING, OF_FIRST, OF_JOB
from harness.model.options import option
from harness.model.values import COUNT, SETTING, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Which settings of the job are executed.

    Attributes:
        arms: Names; none: the scenario's default ones.
        settings: (name, value) of settings that are changed in every arm.
    """

    VERBS: ClassVar = EXECUTING
    GROUP: ClassVar = OF_JOB

    arms: tuple[str, ...] = option(
        (),
        "--arm A",
        "execute this arm of the scenario; may be repeated; default: the arms that the scenario names as default",
        group=OF_FIRST,
        verbs=(*ASKING, "blame"),
    )
    settings: tuple[tuple[str, Setting], ...] = option(
        (),
        "--set NAME=VALUE",
        "change a setting of the scenario's job, in every arm; may be repeated",
        value=SETTING,
    )
    seeds: int = option(1, "--seeds N", "execute every arm with this number of seeds, default 1", value=COUNT)
    ranks: int | None = option(
        None,
        "--ranks N",
        "start the job as N processes that train together, each with RANK, WORLD_SIZE and MASTER_ADDR as torch's own "
        "launcher sets them; default: what the scenario says, else 1; an arm with ranks of its own keeps them",
        value=COUNT,
    )
