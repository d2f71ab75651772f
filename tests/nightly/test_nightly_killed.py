"""kill -9 at random moments of nights: the next one carries on, and the story is that of undisturbed nights.

`HARNESS_TEST_KILLS=50` makes more of them than CI has time for.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from simulated import OTHER
from toyindex import BAD, GOOD, broken_sdist

KILLS, A_DAY = int(os.environ.get("HARNESS_TEST_KILLS", "15")), 3
"""How many in all, and of one night: several nights, with every kind of release, are killed."""
CONFIG = """
publish = "site"

[[watch]]
scenario = "toy"

[[watch]]
scenario = "toy"
arms = ["scaled"]
"""
CYCLE = (GOOD, BAD, BAD, GOOD, "unbuildable", OTHER)


def told(folder, state):
    """Return all that nights told and all that the history knows, but for when and how fast."""
    nights = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("reports/nightly/2*/nightly.json"))
    ]
    with closing(sqlite3.connect(state / "history.sqlite")) as history:
        assert history.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = {
            table: sorted(history.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
            for table, columns in (
                ("nights", "id, started, code, headline"),
                ("releases", "arm, version, state, verdict, tries, night"),
                ("baselines", "arm, version, lock, trace, deterministic, moment, who, why"),
                ("boundaries", "arm, signal, kind, before, after, night, run, closed, closed_by"),
                ("listed", "version, yanked, gone, night"),
                ("probes", "probe, repeat, arm, version, verdict, trace, night"),
            )
        }
    runs = sorted(
        path.parent.name for path in folder.glob("reports/*/report.json") if path.parent.name != "latest"
    )
    return [(night["started"], night["headline"], night["events"]) for night in nights], tables, runs


def ended(state, day):
    """Check a killed night's history; return the exit status if it was killed after its very end, else nothing."""
    if not (state / "history.sqlite").exists():
        return ""
    with closing(sqlite3.connect(state / "history.sqlite")) as history:
        assert history.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not history.execute("PRAGMA user_version").fetchone()[0]:
            return ""
        found = history.execute(
            "SELECT code FROM nights WHERE started = ? AND ended IS NOT NULL", (f"{day}+00:00",)
        ).fetchall()
    return str(found[0][0]) if found else ""


def test_kills_at_random_moments(month, own_index, tmp_path):
    folders = {name: tmp_path / name for name in ("calm", "killed")}
    for folder in folders.values():
        folder.mkdir()
        shutil.copytree(tmp_path / "scenarios", folder / "scenarios")
        (folder / "nightly.toml").write_text(CONFIG, encoding="utf-8")
    moments = random.Random(7)
    kills = 0
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "nights.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as nights:

        def night(name, day, seconds=0.0):
            state = tmp_path / f"home-{name}"
            nights.stdin.write(f"{folders[name]} {state} {day} {seconds:.3f}\n")
            nights.stdin.flush()
            return nights.stdout.readline().strip()

        month.release("1.0")
        for number, code in zip(itertools.count(1), itertools.cycle(CYCLE), strict=False):
            day = f"2024-{1 + number // 28:02d}-{1 + number % 28:02d}T20:00:00"
            if code == "unbuildable":
                own_index.add("toy", broken_sdist("toy", f"2.{number}", uploaded=f"{day}Z"))
            else:
                month.release(f"2.{number}", code)
            began = time.monotonic()
            calm = night("calm", day)
            took = time.monotonic() - began
            # Later moments come of their own accord: what a killed night has done, the next one need not.
            answer, most = "killed", min(KILLS, kills + A_DAY)
            while answer == "killed" and kills < most:
                answer = night("killed", day, moments.uniform(0.01, 0.6 * took))
                if answer == "killed":
                    kills += 1
                    answer = ended(tmp_path / "home-killed", day) or answer
            if answer == "killed":
                answer = night("killed", day)
            assert answer == calm
            if kills >= KILLS:
                break
        nights.stdin.close()
    calm, killed = (told(folders[name], tmp_path / f"home-{name}") for name in ("calm", "killed"))
    assert killed[0] == calm[0]
    assert killed[1] == calm[1]
    assert killed[2] == calm[2]
    print(f"{kills} kills in {len(calm[0])} nights")
    assert sum(events != [] for _, _, events in calm[0]) >= 4
