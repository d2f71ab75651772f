"""What is the same in all probes of a run besides the packages: a fault that needs it otherwise is not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.isolation import isolation_in_words, network_in_words

if TYPE_CHECKING:
    from harness.report.model import Report


def fixed(report: Report) -> list[tuple[str, str]]:
    """Return (name, value) of what every probe was given, in words; empty for a report that does not tell.

    Args:
        report: Its environment has `fixed`: {`threads`, `online`, `hash_seed`, `not_isolated`}.
    """
    facts = report.environment.get("fixed")
    if not isinstance(facts, dict):
        return []
    online = bool(facts.get("online"))
    return [
        ("hash seed", _hash_seed(report, str(facts.get("hash_seed", "0")))),
        ("threads", f"{facts.get('threads')} for numerical libraries"),
        ("network", network_in_words(_least(report), online=online)),
        (
            "isolation",
            isolation_in_words(_least(report), online=online, why=str(facts.get("not_isolated") or "")),
        ),
    ]


def _least(report: Report) -> tuple[str, ...]:
    """Return what was shut off of every execution that the report tells of."""
    executions = [item for arm in report.arms for release in arm.releases for item in release.executions]
    held = [item.get("isolation") or () for item in executions]
    return tuple(part for part in (held[0] if held else ()) if all(part in one for one in held))


def _hash_seed(report: Report, first: str) -> str:
    """Say which values PYTHONHASHSEED had: it orders sets, and a fault may depend on that order."""
    executions = [item for arm in report.arms for release in arm.releases for item in release.executions]
    others = {str(item["hash_seed"]) for item in executions if "hash_seed" in item} - {first}
    if others:
        return f"PYTHONHASHSEED={first} in first executions, others in repeated ones"
    return f"PYTHONHASHSEED={first} in every execution; a fault that shows with other seeds alone is not seen"
