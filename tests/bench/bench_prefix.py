"""The prefix search beside the sweep on the real main job: same answers, and what each phase costs, in one run.

`nox -s bench -- --prefix` runs it. Both searches begin with the same environments and without any stored result.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.traces.read import read_trace

SCENARIO = "llama_seq_cls"
SAID = ("kind", "signal", "before", "after", "confirmed")


def ask(folder, state, search, words=()):
    """Run the main job by one search; return its report and how many seconds it took."""
    line = [SCENARIO, "--search", search, "--no-cause", "--no-fixes", "--out", str(folder / search), *words]
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "harness", "bisect", *line],
        env={**os.environ, "HARNESS_HOME": str(state)},
        check=False,
        stdout=subprocess.DEVNULL,
    )
    if done.returncode:
        sys.exit(f"harness bisect {' '.join(line)} ended with {done.returncode}")
    report = json.loads((folder / search / "latest" / "report.json").read_text(encoding="utf-8"))
    return report, time.monotonic() - started


def executed(state):
    """Yield what is stored of every execution: its facts and its trace; one that is kept twice comes once."""
    seen = set()
    for path in sorted((state / "probes").glob("*/*/probe.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        trace = facts["sums"].get("trace.jsonl", str(path))
        if trace not in seen:
            seen.add(trace)
            yield facts, read_trace(path.with_name("trace.jsonl"))


def budget(state):
    """Return ({what: seconds of one core}, steps of the optimizer, executions) of all that is stored."""
    seconds, steps, count = collections.Counter(), 0, 0
    for facts, trace in executed(state):
        again = "again" if facts["repeat"] else "first"
        kind = "prefixes" if "prefix" in facts["instructions"] else f"{again} executions"
        told = (trace.end or {}).get("seconds") or {}
        training = told.get("training") or 0.0
        seconds[f"training, {kind}"] += training
        start = facts["execution"]["start"]
        seconds[f"process and imports, {start}, {kind}"] += facts["execution"]["seconds"] - training
        seconds["environments"] += facts["environment_seconds"]
        steps += len(trace.steps)
        count += 1
    return seconds, steps, count


def answers(report):
    """Return {arm: (conclusion, boundaries, {release: verdict})}."""
    return {
        arm["name"]: (
            arm["conclusion"],
            [tuple(one[name] for name in SAID) for one in arm["boundaries"]],
            {one["version"]: one["verdict"] for one in arm["releases"]},
        )
        for arm in report["arms"]
    }


def differences(by_prefix, by_sweep):
    """Yield what the two searches say otherwise; a release that is inferred must be what it is inferred to be."""
    ours, theirs = answers(by_prefix), answers(by_sweep)
    for arm, (conclusion, boundaries, verdicts) in theirs.items():
        if ours[arm][0] != conclusion:
            yield f"{arm}: {ours[arm][0]} in place of {conclusion}"
        for one in set(ours[arm][1]) ^ set(boundaries):
            yield f"{arm}: only one of both has {one}"
        rows = {
            one["version"]: one
            for each in by_prefix["arms"]
            if each["name"] == arm
            for one in each["releases"]
        }
        for version, verdict in verdicts.items():
            row = rows[version]
            said = row["prefix"]["verdict"] if row["inferred"] else row["verdict"]
            if said != verdict:
                yield f"{arm} {version}: {said} in place of {verdict}"


def compare(folder, state, words=()):
    """Run both searches, print both, and return whether they agree and the steps' ratio is at most a third."""
    found = {}
    for search in ("prefix", "sweep"):
        shutil.rmtree(state / "probes", ignore_errors=True)
        report, wall = ask(folder, state, search, words)
        found[search] = (report, wall, *budget(state))
    print("\n| search | optimizer steps | executions | seconds |\n|---|---|---|---|")
    for search, (_, wall, _, steps, count) in found.items():
        print(f"| {search} | {steps} | {count} | {wall:.0f} |")
    ratio = found["prefix"][3] / found["sweep"][3]
    print(f"\nsteps of the prefix search to those of the sweep: {ratio:.3f} (at most 0.333)")
    said = list(differences(found["prefix"][0], found["sweep"][0]))
    print("both say the same" if not said else "\n".join(said))
    for arm in found["prefix"][0]["arms"]:
        inferred = sum(bool(one["inferred"]) for one in arm["releases"])
        print(f"{arm['name']}: {inferred} of {len(arm['releases'])} releases inferred; {arm['answer']}")
    print_budget({search: (wall, seconds) for search, (_, wall, seconds, _, _) in found.items()})
    return not said and ratio <= 1 / 3


def print_budget(found):
    """Print seconds of one core by phase; `found`: {search: (seconds of the whole, {phase: seconds})}."""
    phases = sorted({phase for _, seconds in found.values() for phase in seconds})
    print(f"\n| seconds of one core | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
    for phase in phases:
        print(f"| {phase} | " + " | ".join(f"{seconds[phase]:.0f}" for _, seconds in found.values()) + " |")
    print("| whole run, on the clock | " + " | ".join(f"{wall:.0f}" for wall, _ in found.values()) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--home", type=Path, help="state directory with environments; its stored results are removed"
    )
    options, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder:
        state = options.home or Path(folder) / "home"
        sys.exit(0 if compare(Path(folder), state, words) else 1)


if __name__ == "__main__":
    main()
