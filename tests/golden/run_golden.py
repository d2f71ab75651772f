"""Runs the golden cases, real regressions with known answers, and says which were found and which are right.

A case is right if its boundaries in verdict, those of another failure included, are exactly the expected ones, all of
them confirmed, and its conclusion is the expected one. Of a case of two packages, the pair has to be the expected one,
too, and each boundary names its package and what the other one is held at.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[2] / "scenarios" / "golden"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one case gave: boundaries as `before -> after`, executions that were run or taken from the store."""

    case: str
    found: list[str]
    right: bool
    conclusion: str
    probes: int
    seconds: float
    said: str = ""


def run(case: str, words: list[str]) -> Outcome:
    """Bisect one case and hold its answer against what is expected."""
    expected = tomllib.loads((GOLDEN / case / "expected.toml").read_text(encoding="utf-8"))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="harness-golden-") as out:
        command = [
            sys.executable,
            "-m",
            "harness",
            "bisect",
            str(GOLDEN / case),
            "--out",
            out,
            "--no-cause",
            *words,
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        seconds = time.monotonic() - started
        folder = Path(out) / "latest"
        path = folder / "report.json"
        if not path.exists():
            return Outcome(case, [], False, "no report", 0, seconds, done.stderr.strip().splitlines()[-1])
        if json.loads(path.read_text(encoding="utf-8"))["axes"]:
            return pair_outcome(case, folder, expected, seconds)
        (arm,) = json.loads(path.read_text(encoding="utf-8"))["arms"]
    told = [one for one in arm["boundaries"] if one["signal"] in {"verdict", "failure"}]
    found = sorted((one["kind"], one["before"], one["after"], one["confirmed"]) for one in told)
    wanted = sorted((one["kind"], one["before"], one["after"], True) for one in expected["boundaries"])
    right = found == wanted and arm["conclusion"] == expected["conclusion"]
    texts = [
        f"{before} -> {after}" for _, before, after, _ in sorted(found, key=lambda one: told_at(arm, one[2]))
    ]
    probes = sum(len(row["executions"]) for row in arm["releases"])
    return Outcome(case, texts, right, arm["conclusion"], probes, seconds, "" if right else arm["answer"])


def pair_outcome(case: str, folder: Path, expected: dict, seconds: float) -> Outcome:
    """Hold the answer about two packages against what is expected."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    (arm,) = report["arms"]
    found = [
        {"kind": one["kind"], **one["axis"], "version": one["axis"]["held_version"]}
        for one in arm["boundaries"]
        if one["confirmed"]
    ]
    keys = ("package", "kind", "before", "after", "held", "version")
    right = (arm["conclusion"], arm["grid"]["pair"]) == (expected["conclusion"], expected.get("pair", {}))
    right = right and len(found) == len(arm["boundaries"])
    right = right and sorted(repr({name: one[name] for name in keys}) for one in found) == sorted(
        repr({name: one[name] for name in keys}) for one in expected["boundaries"]
    )
    texts = [
        f"{one['package']} {one['before']} -> {one['after']} with {one['held']} {one['version']}"
        for one in found
    ]
    told = arm["answer"] if not right else ""
    probes = {
        (one["probe"], one["repeat"])
        for rows in [arm["releases"], *(part_rows(folder, part) for part in report["parts"])]
        for row in rows
        for one in row["executions"]
    }
    return Outcome(case, texts, right, arm["conclusion"], len(probes), seconds, told)


def part_rows(folder: Path, part: dict) -> list[dict]:
    """Return the releases of a run of an answer about two packages."""
    report = json.loads((folder / part["folder"] / "report.json").read_text(encoding="utf-8"))
    return [row for arm in report["arms"] for row in arm["releases"]]


def told_at(arm: dict, version: str) -> int:
    """Return where a release stands in its history."""
    return [row["version"] for row in arm["releases"]].index(version)


def table(outcomes: list[Outcome]) -> str:
    """Return the table that stands in the README."""
    lines = ["| case | found | right | probes | seconds |", "|---|---|---|---|---|"]
    for one in outcomes:
        found = ", ".join(one.found) or one.conclusion
        lines.append(
            f"| {one.case} | {found} | {'yes' if one.right else 'NO'} | {one.probes} | {one.seconds:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the cases named, or all."""
    known = sorted(path.parent.name for path in GOLDEN.glob("*/expected.toml"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(known)}; default: all")
    parser.add_argument("--search", default="auto", help="strategy, default auto")
    parser.add_argument("--json", type=Path, help="keep the outcomes in this file")
    options = parser.parse_args()
    unknown = sorted(set(options.cases) - set(known))
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}; there are {', '.join(known)}")
    outcomes = []
    for case in options.cases or known:
        outcomes.append(run(case, ["--search", options.search]))
        last = outcomes[-1]
        print(
            f"{case}: {'right' if last.right else 'WRONG: ' + last.said} ({last.seconds:.0f} s)",
            file=sys.stderr,
            flush=True,
        )
    print(table(outcomes))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in outcomes], indent=1), encoding="utf-8")
    sys.exit(0 if all(one.right for one in outcomes) else 1)


if __name__ == "__main__":
    main()
