"""Golden cases of two environments: which of the packages that changed does it, and from which release on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def question(golden: Path, case: str, scenario: str) -> list[str]:
    """Return the words of the command that asks about the two lists of a case.

    Args:
        golden: Folder of all cases.
        case: Has `good.txt` and `bad.txt`.
        scenario: The case whose job is executed.
    """
    lists = [golden / case / f"{side}.txt" for side in ("good", "bad")]
    return ["blame", str(golden / scenario), "--good", str(lists[0]), "--bad", str(lists[1])]


def answered(folder: Path) -> dict[str, Any]:
    """Return what a report about two environments found.

    Returns:
        `culprits` as `expected.toml` has them, a set of parts each, a part being names; `releases`, the first bad
        release of each culprit; `changes`, how many packages changed; `executions`, those of runs about releases
        included;
        `conclusion`; `answer`.
    """
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    blame, (arm,) = report["blame"], report["arms"]
    names = [one["name"] for one in blame["changes"]]
    inside = [one for one in blame["inside"] if one["good"] and one["confirmed"]]
    return {
        "culprits": [[[names[place] for place in part] for part in one["parts"]] for one in blame["sets"]],
        "releases": {one["name"]: one["bad"] for one in inside},
        "changes": len(names),
        "executions": blame["executions"] + _beneath(folder),
        "conclusion": arm["conclusion"],
        "answer": arm["answer"],
    }


def right(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Tell whether an answer is the expected one: just these culprits, and the releases that are expected of them."""
    same = all(found[word] == expected[word] for word in ("conclusion", "culprits"))
    return same and expected.get("releases", {}).items() <= found["releases"].items()


def false_culprits(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return the packages that are named and that are no culprits."""
    wanted, named = (
        {name for one in sets for part in one for name in part}
        for sets in (expected["culprits"], found["culprits"])
    )
    return sorted(named - wanted)


def words(found: dict[str, Any]) -> list[str]:
    """Return what was found, a line a set of culprits."""
    first = found["releases"]
    return [
        " with ".join(
            " and ".join(name + (f" from {first[name]} on" if name in first else "") for name in part)
            for part in one
        )
        for one in found["culprits"]
    ]


def _beneath(folder: Path) -> int:
    """Return how many executions the runs about the releases of single packages took, each counted once."""
    found = set()
    for path in folder.glob("runs/*/report.json"):
        (arm,) = json.loads(path.read_text(encoding="utf-8"))["arms"]
        opened = [one["dependencies"] for one in arm["boundaries"] if one["dependencies"]]
        rows = [*arm["releases"], *(trial for each in opened for trial in each["trials"])]
        found |= {(one["probe"], one["repeat"]) for row in rows for one in row["executions"]}
    return len(found)
