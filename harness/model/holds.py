"""What every environment and every probe has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.model.commands import EXECUTING, OF_FIRST, OF_JOB, OF_RANGE, OF_SUBJECT, PROBING, WHERE
from harness.model.options import option
from harness.model.values import GIGABYTES, SECONDS

DEVICES = ("auto", "cpu", "cuda")
POLICIES = ("fixed", "as-of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """What every environment and every probe has in common."""

    VERBS: ClassVar = EXECUTING
    GROUP: ClassVar = OF_SUBJECT

    pins: tuple[str, ...] = option(
        (),
        "--with REQUIREMENT",
        'install this in every environment too, for example "torch==2.13.0"; may be repeated',
        group=OF_FIRST,
        verbs=(),
    )
    prereleases: bool = option(
        False, "--pre", "include pre-releases", group=OF_RANGE, verbs=(*EXECUTING, "bundle")
    )
    python: str | None = option(
        None,
        "--python V",
        "Python of the environments: a version (3.10, >=3.10), or the path of a Python or of a virtual environment",
    )
    torch: str = option(
        "auto",
        "--torch SOURCE",
        "where torch comes from: auto (default: the source that pip or uv is configured with; else the CUDA build if "
        "there is a GPU, else the CPU build), cpu, a CUDA build (cu128), index (the build that the index serves), host (the "
        "torch that is installed here)",
        verbs=WHERE,
    )
    device: str = option(
        "auto",
        "--device",
        "device of the training; default auto: CUDA if torch can use it (selftest: always CUDA)",
        choices=DEVICES,
        group=OF_JOB,
        verbs=WHERE,
    )
    timeout: float | None = option(
        None, "--timeout S", "seconds that one execution may take", group=OF_JOB, value=SECONDS
    )
    memory: float | None = option(
        None,
        "--memory GB",
        "memory that each process of an execution may take; default: what the machine has",
        group=OF_JOB,
        value=GIGABYTES,
    )
    build: bool = option(
        True,
        "--no-build",
        "execute no build code: a release that has source files alone is skipped",
        group=OF_JOB,
    )
    online: bool = option(False, "--online", "let the job use the network", group=OF_JOB)
    variables: tuple[str, ...] = option(
        (),
        "--env NAME[=VALUE]",
        "set an environment variable of the job; without a value, the variable keeps the value that it has here; may be "
        "repeated",
        group=OF_JOB,
    )
    policy: str = option(
        "fixed",
        "--policy",
        "versions of the other packages: fixed (default), the same for every release; as-of, the versions of the day on "
        "which the release was uploaded, compared with fixed",
        choices=POLICIES,
        verbs=PROBING,
    )
    pip_lines: bool = option(
        False,
        "--pip-lines",
        "install what the pip lines of a notebook name into every environment; the lines themselves are never executed",
    )
    locks: str | None = option(
        None,
        "--locks RUN",
        "install the locks of an earlier run, to repeat it exactly; only what it had no need of is resolved",
        verbs=("bisect", "probe"),
    )
