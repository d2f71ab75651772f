"""What a report says of its question, its machine and its environments."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import psutil
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.locks.mixture import met
from harness.locks.resolve import HELD
from harness.machine import processor
from harness.model.codec import to_plain
from harness.runs.kept import keep_job
from harness.sessions.session import Session, moved_packages
from harness.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.locks.lock import Lock
    from harness.model.question import Question
    from harness.scenario import Scenario
    from harness.sessions.driver import Driver


_LONGEST_SCRIPT = 20_000
"""Characters of a script that a report keeps."""


def host(driver: Driver) -> dict[str, str | None]:
    """Return where a run's probes were executed, see `Report`."""
    session = driver.session
    starts = [
        finding.trace.start
        for findings in driver.findings.values()
        for repeats in findings.values()
        for finding in repeats.values()
        if finding.trace.start
    ]
    first = starts[0] if starts else {}
    memory = psutil.virtual_memory().total / 2**30
    return {
        "python": session.interpreter.version,
        "torch": (first.get("packages") or {}).get("torch") or session.reference.versions().get("torch"),
        "device": session.device,
        "cpu": processor(),
        "gpu": first.get("device_name") if session.device == "cuda" else None,
        **_gpu(first.get("gpu") or {}),
        "memory": f"{memory:.0f} GiB",
        "system": platform.platform(),
        "uv": _installed("uv"),
        **session.executor.host(),
    }


def _gpu(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return what the trace tells of its GPU, as text; nothing of a CPU."""
    if not facts:
        return {}
    tf32 = [word for word in ("matmul", "cudnn") if facts.get(f"tf32_{word}")]
    told = {
        "compute capability": facts.get("capability"),
        "driver": facts.get("driver"),
        "cuda": facts.get("cuda"),
        "cudnn": facts.get("cudnn"),
        "tf32": "on for " + " and ".join(tf32) if tf32 else "off",
    }
    return {name: str(value) for name, value in told.items() if value is not None}


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def environment(session: Session) -> dict[str, object]:
    """Return what a report says of a run's environments, see `Report`."""
    asked = session.asked
    moves = moved_packages(session)
    locked = list(session.locked().values())
    return {
        "policy": asked.question.holds.policy,
        "pins": session.resolver.requirements(),
        "packages": session.reference.versions(),
        "moves": moves,
        "torch": session.torch.choice,
        "fixed": held_alike(session),
        "proof": _proof(session, locked, len(moves)),
    }


def _proof(session: Session, locked: Sequence[Lock], moved: int) -> str:
    """Return what makes the environments of a run comparable, or how they differ."""
    if session.asked.question.holds.policy == "as-of":
        held = sorted({name for lock in locked for name in HELD if name in lock.versions()})
        pins = [Requirement(pin) for pin in session.resolver.requirements()]
        dropped = sum(
            any(not met(pin, lock.versions().get(canonicalize_name(pin.name))) for pin in pins)
            for lock in locked
        )
        return (
            f"each of {len(locked)} releases is locked as the index stood at the end of the day of its upload, with Python "
            f"{session.interpreter.version}"
            + (f" and with {' and '.join(held)} as the index has them now" if held else "")
            + (f"; {dropped} without versions that the pins name and that were newer" if dropped else "")
        )
    proof = f"{len(locked) - moved} of {len(locked)} locks are equal, to the hash, but for {session.asked.package}"
    return proof + ("" if moved else ": nothing else moved")


def held_alike(session: Session) -> dict[str, object]:
    """Return what is the same in every execution, see `Report`."""
    scenario = session.asked.scenario
    return {
        "threads": scenario.threads,
        "online": scenario.online,
        "hash_seed": scenario.variables.get("PYTHONHASHSEED", "0"),
        "not_isolated": session.executor.not_isolated,
    }


def of_question(scenario: Scenario, question: Question) -> dict[str, Any]:
    """Return the fields of a `Report` that follow from the question and its job alone."""
    return {
        "scenario": scenario.name,
        "description": scenario.description,
        "harness": __version__,
        "question": to_plain(question),
        "job": keep_job(scenario).facts(),
        "oracle": dict(scenario.oracle),
        "script": _script_text(scenario),
    }


def _script_text(scenario: Scenario) -> str:
    """Return the text of a command's script, as far as a report has room for it."""
    if not scenario.ad_hoc or scenario.job is None:
        return ""
    return scenario.job.read_text(encoding="utf-8", errors="replace")[:_LONGEST_SCRIPT]
