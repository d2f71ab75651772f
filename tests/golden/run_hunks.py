"""Opens boundaries of golden cases into their hunks, by wheels alone, and prints the rows of the documentation's table.

    python tests/golden/run_hunks.py openai-httpx-proxies numpy-unique-inverse:1 --out reports

A case stands for its first expected boundary, `CASE:N` for its N-th one, from 0. The boundary is bisected between just its
two releases, without causes and remedies; then `descend` opens it. The metadata's repository is out of the question: a
source that is no repository's address is given, so that nothing is fetched.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from run_golden import GOLDEN, expectation

_NOWHERE = "file:///nowhere.git"
_MOST_PLACES = 3


def opened(case: str, number: int, out: Path) -> tuple[dict[str, Any] | None, float, str]:
    """Return (boundary with its hunks, processor seconds of opening it, what went wrong) of one case."""
    expected = expectation(case)
    ends = expected["boundaries"][number]
    folder = out / f"{case}-{number}"
    asked = ["bisect", str(GOLDEN / case), "--from", ends["before"], "--to", ends["after"], "--no-cause"]
    done = _harness(*asked, "--no-fixes", "--out", str(folder), *expected.get("options", []))
    if not (folder / "latest").exists():
        return None, 0.0, _last(done)
    before = _processor()
    done = _harness("descend", "latest", "--out", str(folder), "--source", _NOWHERE)
    report = json.loads((folder / "latest" / "report.json").read_text(encoding="utf-8"))
    found = [one for arm in report["arms"] for one in arm["boundaries"] if one["hunks"]]
    return (found[-1] if found else None), _processor() - before, _last(done)


def row(case: str, boundary: dict[str, Any], seconds: float) -> str:
    """Return one row of the table."""
    found = boundary["hunks"]
    cells = [
        case,
        f"{boundary['before']} -> {boundary['after']}",
        str(found["hunks"]),
        str(found["executed"]),
        _what(found),
        str(found["executions"]),
        f"{found['seconds']:.0f}",
        f"{seconds:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _what(found: dict[str, Any]) -> str:
    told = [_of("taken back", one) for one in found["taken_back"]]
    told += [_of("put in", one) for one in found["sets"]]
    return "; ".join(told) or f"nothing ({found['conclusion']})"


def _of(what: str, one: dict[str, Any]) -> str:
    hunks = [hunk for part in one["parts"] for hunk in part]
    if one["whole_files"]:
        return f"{what}: all of {', '.join(sorted({hunk['file'] for hunk in hunks}))}"
    places = [f"`{hunk['file']}:{hunk['after_start']}`" for hunk in hunks]
    more = f" and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
    others = f" with {len(one['required'])} others" if one["required"] else ""
    return f"{what}: {', '.join(places[:_MOST_PLACES])}{more}{others}{'' if one['confirmed'] else ' (not confirmed)'}"


def _harness(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *words], check=False, capture_output=True, text=True
    )


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or ["no word of it"])[-1]


def _processor() -> float:
    """Return the processor seconds of all programs that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Open every case that is named, and print a row each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="+", metavar="CASE[:N]")
    parser.add_argument("--out", default="reports", type=Path)
    options = parser.parse_args()
    for named in options.cases:
        case, _, number = named.partition(":")
        boundary, seconds, said = opened(case, int(number or 0), options.out)
        print(row(case, boundary, seconds) if boundary else f"{case}: {said}", flush=True)


if __name__ == "__main__":
    main()
