"""What is the same in all probes of a run besides the packages: a fault that needs it otherwise is not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.report.model import Report


def fixed(report: Report) -> list[tuple[str, str]]:
    """Return (name, value) of what every probe was given, in words; empty for a report that does not tell.

    Args:
        report: Its environment has `fixed`: {`threads`, `online`, `hash_seed`}.
    """
    facts = report.environment.get("fixed")
    if not isinstance(facts, dict):
        return []
    network = "allowed" if facts.get("online") else "off: probes reach no other machine"
    return [
        ("hash seed", _hash_seed(report, str(facts.get("hash_seed", "0")))),
        ("threads", f"{facts.get('threads')} for numerical libraries"),
        ("network", network),
    ]


def _hash_seed(report: Report, first: str) -> str:
    """Say which values PYTHONHASHSEED had: it orders sets, and a fault may depend on that order."""
    executions = [item for arm in report.arms for release in arm.releases for item in release.executions]
    others = {str(item["hash_seed"]) for item in executions if "hash_seed" in item} - {first}
    if others:
        return f"PYTHONHASHSEED={first} in first executions, others in repeated ones"
    return f"PYTHONHASHSEED={first} in every execution; a fault that shows with other seeds alone is not seen"
