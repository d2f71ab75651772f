"""Where probes are executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.model.commands import ANSWERING, ASKING, OF_PLACE, WHERE
from harness.model.options import option
from harness.model.values import COUNT, NUMBER

EXECUTORS = ("local", "dask")
ISOLATIONS = ("strict", "auto", "none")
DEFAULT_CAP_GB = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where probes are executed, how many at a time, and where the report goes: no part of what is asked."""

    VERBS: ClassVar = ASKING
    GROUP: ClassVar = OF_PLACE

    jobs: int | None = option(
        None,
        "--jobs N",
        "executions at a time; default: as many as cores, memory and GPUs allow",
        value=COUNT,
        verbs=(*ASKING, "blame"),
    )
    isolation: str = option(
        "auto",
        "--isolation",
        "what jobs are kept from: auto (default), files, other processes and the network as far as the machine allows "
        "it, which the run says; strict, the same or no run; none, environment variables alone",
        choices=ISOLATIONS,
        verbs=WHERE,
    )
    executor: str = option(
        "local",
        "--executor",
        "local (default): this machine; dask: the workers of a dask cluster",
        choices=EXECUTORS,
    )
    scheduler: str | None = option(
        None,
        "--scheduler ADDRESS",
        "address of the dask scheduler, for example tcp://host:8786, or its scheduler file",
    )
    out: str = option(
        "reports", "--out DIR", "folder of the reports, default reports", verbs=(*ANSWERING, "selftest")
    )
    environment_cap: float = option(
        DEFAULT_CAP_GB,
        "--environment-cap GB",
        f"size that all environments together may have, default {DEFAULT_CAP_GB:g}; the least recently used ones are "
        "deleted first",
        value=NUMBER,
        verbs=ANSWERING,
    )
    yes: bool = option(
        False,
        "--yes",
        "download what the releases take, also if it is many gigabytes; later runs remember it",
        verbs=("bisect",),
    )
