"""Runs the golden cases, real regressions with known answers, and says which were found and which are right.

A case is right if its boundaries in verdict, those of another failure included, are exactly the expected ones, all of
them confirmed, and its conclusion is the expected one. Of a case of two packages, the pair has to be the expected one,
too, and each boundary names its package and what the other one is held at. Of a case of two environments, the culprits
have to be just the expected ones, each with its first bad release where one is expected (`environment_cases`). Where `raised_in` is expected, the answer
about every bad release has to name the package whose code raises the error.

A false culprit is a confirmed boundary that is not expected. `options` of a case go to `harness bisect`.

With `--json FILE` each outcome is written as soon as its case ended, and what stands there already is not run again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import environment_cases

from harness.files import write_atomic

GOLDEN = Path(__file__).resolve().parents[2] / "scenarios" / "golden"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one case gave.

    Attributes:
        case: The folder's name.
        found: Boundaries in verdict as `before -> after`, oldest first.
        right: Whether the answer is the expected one.
        conclusion: The report's word.
        false_culprits: Confirmed boundaries that are not expected.
        executions: How many were run or taken from the store.
        seconds: Wall-clock time of the whole run.
        answer: The report's sentence, where it is not right.
        search: The strategy that was asked for; `blame` of a case of two environments.
    """

    case: str
    found: list[str]
    right: bool
    conclusion: str
    false_culprits: list[str]
    executions: int
    seconds: float
    answer: str = ""
    search: str = "auto"


def expectation(case: str) -> dict:
    """Return what the answer about a case has to be."""
    return tomllib.loads((GOLDEN / case / "expected.toml").read_text(encoding="utf-8"))


def run(case: str, search: str) -> Outcome:
    """Ask one case and hold its answer against what is expected."""
    return replace(ask(case, search), search=search)


def ask(case: str, search: str) -> Outcome:
    """Ask one case by one search, or by `blame`."""
    expected = expectation(case)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="harness-golden-") as out:
        asked = ["bisect", str(GOLDEN / case), "--search", search]
        if "environments" in expected:
            asked = environment_cases.question(GOLDEN, case, expected["environments"])
        more = ["--out", out, "--no-cause", *expected.get("options", [])]
        command = [sys.executable, "-m", "harness", *asked, *more]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        seconds = time.monotonic() - started
        folder = Path(out) / "latest"
        path = folder / "report.json"
        if not path.exists():
            error = (done.stderr.strip().splitlines() or ["no word of it"])[-1]
            return Outcome(case, [], False, "no report", [], 0, seconds, error)
        if "environments" in expected:
            return environments_outcome(case, folder, expected, seconds)
        if json.loads(path.read_text(encoding="utf-8"))["axes"]:
            return pair_outcome(case, folder, expected, seconds)
        (arm,) = json.loads(path.read_text(encoding="utf-8"))["arms"]
    return arm_outcome(case, arm, expected, seconds)


def arm_outcome(case: str, arm: dict, expected: dict, seconds: float) -> Outcome:
    """Hold the answer about one package against what is expected."""
    found = [boundary for boundary in arm["boundaries"] if boundary["signal"] in {"verdict", "failure"}]
    found.sort(key=lambda boundary: place(arm, boundary["after"]))
    wanted = [
        (boundary["kind"], boundary["before"], boundary["after"]) for boundary in expected["boundaries"]
    ]
    told = [(boundary["kind"], boundary["before"], boundary["after"]) for boundary in found]
    places = {row["raised_in"] for row in arm["releases"] if row["verdict"] == "bad"}
    right = (
        sorted(told) == sorted(wanted)
        and all(boundary["confirmed"] for boundary in found)
        and arm["conclusion"] == expected["conclusion"]
        and ("raised_in" not in expected or places == {expected["raised_in"]})
    )
    return Outcome(
        case=case,
        found=[f"{before} -> {after}" for _, before, after in told],
        right=right,
        conclusion=arm["conclusion"],
        false_culprits=[
            f"{boundary['before']} -> {boundary['after']}"
            for boundary, change in zip(found, told, strict=True)
            if boundary["confirmed"] and change not in wanted
        ],
        executions=sum(len(row["executions"]) for row in arm["releases"]),
        seconds=seconds,
        answer="" if right else arm["answer"],
    )


def environments_outcome(case: str, folder: Path, expected: dict, seconds: float) -> Outcome:
    """Hold the answer about two environments against what is expected."""
    found = environment_cases.answered(folder)
    right = environment_cases.right(found, expected)
    return Outcome(
        case=case,
        found=[f"{line}, of {found['changes']} changes" for line in environment_cases.words(found)],
        right=right,
        conclusion=found["conclusion"],
        false_culprits=environment_cases.false_culprits(found, expected),
        executions=found["executions"],
        seconds=seconds,
        answer="" if right else found["answer"],
    )


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
    wanted = [{name: change[name] for name in keys} for change in expected["boundaries"]]
    changes = [{name: change[name] for name in keys} for change in found]
    return Outcome(
        case=case,
        found=[change_text(change) for change in changes],
        right=right,
        conclusion=arm["conclusion"],
        false_culprits=[change_text(change) for change in changes if change not in wanted],
        executions=len(
            {
                (one["probe"], one["repeat"])
                for rows in [arm["releases"], *(part_rows(folder, part) for part in report["parts"])]
                for row in rows
                for one in row["executions"]
            }
        ),
        seconds=seconds,
        answer="" if right else arm["answer"],
    )


def change_text(change: dict) -> str:
    """Return one change of a pair in words."""
    held = f"{change['held']} {change['version']}"
    return f"{change['package']} {change['before']} -> {change['after']} with {held}"


def part_rows(folder: Path, part: dict) -> list[dict]:
    """Return the releases of a run of an answer about two packages."""
    report = json.loads((folder / part["folder"] / "report.json").read_text(encoding="utf-8"))
    return [row for arm in report["arms"] for row in arm["releases"]]


def place(arm: dict, version: str) -> int:
    """Return where a release stands in its history."""
    return [row["version"] for row in arm["releases"]].index(version)


def table(outcomes: list[Outcome]) -> str:
    """Return the table that stands in the documentation, and a line of totals for each search below."""
    lines = [
        "| case | search | found | right | false culprits | executions | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for outcome in outcomes:
        found = ", ".join(outcome.found) or outcome.conclusion
        right = "yes" if outcome.right else "NO"
        false = ", ".join(outcome.false_culprits) or "none"
        lines.append(
            f"| {outcome.case} | {outcome.search} | {found} | {right} | {false} | {outcome.executions} "
            f"| {outcome.seconds:.0f} |"
        )
    for search in dict.fromkeys(outcome.search for outcome in outcomes):
        lines += ["", totals(search, [outcome for outcome in outcomes if outcome.search == search])]
    return "\n".join(lines)


def totals(search: str, outcomes: list[Outcome]) -> str:
    """Return the line of totals of one search."""
    right = sum(outcome.right for outcome in outcomes)
    false = sum(len(outcome.false_culprits) for outcome in outcomes)
    executions = sum(outcome.executions for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    wrong = len(outcomes) - right
    return (
        f"{search}: {right} right, {wrong} wrong, {false} false culprits, {executions} executions, "
        f"{seconds:.0f} seconds"
    )


def questions(cases: list[str], searches: list[str]) -> list[tuple[str, str]]:
    """Return every case with every search; a case of two environments is asked once, by `blame`."""
    return [
        (case, search)
        for case in cases
        for search in (["blame"] if "environments" in expectation(case) else searches)
    ]


def main() -> None:
    """Run the cases named, or all."""
    known = sorted(path.parent.name for path in GOLDEN.glob("*/expected.toml"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(known)}; default: all")
    parser.add_argument("--search", action="append", help="strategy, default auto; may be given twice")
    parser.add_argument(
        "--json", type=Path, help="keep the outcomes in this file, and run only what it lacks"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.cases) - set(known))
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}; there are {', '.join(known)}")
    stored = options.json and options.json.exists()
    outcomes = (
        [Outcome(**one) for one in json.loads(options.json.read_text(encoding="utf-8"))] if stored else []
    )
    outcomes = [one for one in outcomes if one.conclusion != "no report"]  # it was stopped
    ended = {(one.case, one.search) for one in outcomes}
    for case, search in questions(options.cases or known, options.search or ["auto"]):
        if (case, search) in ended:
            continue
        outcomes.append(run(case, search))
        last = outcomes[-1]
        print(
            f"{case}, {search}: {'right' if last.right else 'WRONG: ' + last.answer} ({last.seconds:.0f} s)",
            file=sys.stderr,
            flush=True,
        )
        if options.json:
            write_atomic(options.json, json.dumps([asdict(one) for one in outcomes], indent=1))
    print(table(outcomes))
    sys.exit(0 if all(one.right for one in outcomes) else 1)


if __name__ == "__main__":
    main()
