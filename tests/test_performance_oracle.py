"""The performance oracle: a slower release is found, one that is hardly slower is not, and a drifting machine is none."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, plant, wheel

from harness.traces.measured import MEASURED
from harness.verdicts.oracles import with_defaults
from harness.verdicts.pairs import interval, judge_pairs, looks
from harness.verdicts.verdict import Verdict

pytestmark = pytest.mark.slow

SETTINGS = with_defaults({"kind": "performance"})


def run_on_a_drifting_machine(slower, seed, *, drift=0.3, noise=0.01):
    """Execute R X X R … on a simulated machine that slows down by `drift` while it goes on; return verdict and pairs."""
    chance, clock, pairs = random.Random(seed), 0.0, []
    judged = None
    for look in looks(SETTINGS["confidence"], SETTINGS["pairs"]):
        while len(pairs) < look.pairs:
            for order in (0, 1), (1, 0):
                took = [0.0, 0.0]
                for side in order:
                    took[side] = (
                        (slower if side else 1.0)
                        * (1 + drift * min(1, clock / 12))
                        * chance.lognormvariate(0, noise)
                    )
                    clock += took[side]
                pairs.append(tuple(took))
        judged = judge_pairs("step_seconds", "1.0", pairs, SETTINGS)
        if judged.verdict != Verdict.SKIP:
            break
    return judged, pairs


@pytest.mark.parametrize(
    ("slower", "wanted"), [(1.0, Verdict.GOOD), (1.03, Verdict.GOOD), (1.3, Verdict.BAD), (0.7, Verdict.GOOD)]
)
def test_a_machine_that_slows_by_a_third_gives_no_false_verdict(slower, wanted):
    verdicts = [run_on_a_drifting_machine(slower, seed)[0].verdict for seed in range(500)]
    assert set(verdicts) <= {wanted, Verdict.SKIP}
    assert verdicts.count(wanted) > 490
    # Without turns, all of the reference first, the same machine makes an unchanged release slower.
    _, pairs = run_on_a_drifting_machine(1.0, 1)
    times = [time for index, pair in enumerate(pairs) for time in (pair if index % 2 == 0 else pair[::-1])]
    half = len(times) // 2
    naive = judge_pairs("step_seconds", "1.0", list(zip(times[:half], times[half:], strict=True)), SETTINGS)
    assert naive.verdict == Verdict.BAD


def test_a_noisy_machine_is_undecided_rather_than_wrong():
    for slower, wrong in ((1.0, Verdict.BAD), (1.03, Verdict.BAD), (1.3, Verdict.GOOD)):
        found = [run_on_a_drifting_machine(slower, seed, noise=0.25)[0] for seed in range(300)]
        assert sum(one.verdict == wrong for one in found) <= 3, slower
        undecided = [one for one in found if one.verdict == Verdict.SKIP]
        assert undecided
        assert all(one.reason.startswith("undecided: step_seconds") for one in undecided)


@pytest.mark.parametrize("count", [6, 12, 24])
def test_the_interval_holds_what_it_promises(count):
    (risk,) = [look.risk for look in looks(0.95, 24) if look.pairs == count]
    chance, missed, rounds = random.Random(count), 0, 4000
    for _ in range(rounds):
        low, middle, high = interval([chance.gauss(1, 1) for _ in range(count)], risk)
        assert low <= middle <= high
        missed += not low <= 1 <= high
    assert missed / rounds < risk + 0.01


def test_the_looks_share_the_risk():
    assert [look.pairs for look in looks(0.95, 24)] == [6, 12, 24]
    assert sum(look.risk for look in looks(0.95, 24)) == pytest.approx(0.05)
    assert [look.pairs for look in looks(0.95, 1)] == [6]
    assert [look.pairs for look in looks(0.999, 24)] == [12, 24]
    with pytest.raises(ValueError, match="5 values give no interval"):
        interval([1.0] * 5, 0.03)


def test_memory_is_told_in_megabytes():
    bad = judge_pairs(
        "memory_peak", "1.4", [(1_376_255_488.0, 1_879_048_192.0)] * 6, {**SETTINGS, "signal": "memory_peak"}
    )
    assert bad.reason.startswith("memory_peak 1,879 MB against 1,376 MB with 1.4, 1.365 times as much (95%")
    few = judge_pairs("memory_peak", "1.4", [(38_210_000.0, 38_210_000.0)] * 6, SETTINGS)
    assert few.reason.startswith("memory_peak 38.21 MB against 38.21 MB with 1.4")


def test_of_a_rate_less_is_worse():
    settings = {**SETTINGS, "signal": "tokens_per_second"}
    bad = judge_pairs(
        "tokens_per_second", "1.0", [(100.0, 70.0 + number / 10) for number in range(6)], settings
    )
    assert bad.verdict == Verdict.BAD
    assert (bad.effect.value, bad.effect.bound) == (pytest.approx(0.7, abs=0.01), pytest.approx(1 / 1.1))
    assert bad.effect.low < bad.effect.value < bad.effect.high
    assert judge_pairs("x", "1.0", [(0.0, 1.0)] * 6, SETTINGS).verdict == Verdict.SKIP


JOB = """
import toy
from harness_recorder import Recorder, settings

config = settings({"steps": 12, "seed": 0, "device": "cpu", "threads": 1})
with Recorder(settings=vars(config), device=config.device) as recorder:
    recorder.begin()
    for step in range(1, config.steps + 1):
        recorder.step(loss=toy.loss(step), tokens=100)
"""
HISTORY = {
    version: f"import time\ndef loss(step):\n    time.sleep({seconds})\n    return 1.0 / step\n"
    for version, seconds in {"1.0": 0.02, "1.1": 0.0206, "1.2": 0.0206, "1.3": 0.06, "1.4": 0.06}.items()
}


@pytest.fixture
def slower(toy, monkeypatch):
    """Put a history on an index of its own, and the scenario's oracle; returns the index."""
    (toy / "scenarios" / "toy" / "job.py").write_text(JOB, encoding="utf-8")
    path = toy / "scenarios" / "toy" / "scenario.toml"
    text = path.read_text(encoding="utf-8").split("[parameters]")[0]
    path.write_text(
        f'{text}[arms.plain]\n[oracle]\nkind = "performance"\nminimum_effect = 1.4\n', encoding="utf-8"
    )
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        plant(index, HISTORY)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        yield path


def report():
    return json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))


def test_a_release_three_times_as_slow_is_found_and_one_by_3_percent_is_not(slower, harness):
    done = harness("bisect", "toy", "--search", "binary", "--jobs", "4", "--out", "reports")
    assert done.returncode == 0, done.stderr
    assert "one probe at a time" in done.stderr
    found = report()["arms"][0]
    (boundary,) = [one for one in found["boundaries"] if one["signal"] == "verdict"]
    assert (boundary["before"], boundary["after"], boundary["confirmed"]) == ("1.2", "1.3", True)
    rows = {row["version"]: row for row in found["releases"]}
    assert rows["1.2"]["effect"]["value"] == pytest.approx(1.03, abs=0.2)
    assert rows["1.3"]["effect"]["low"] > 1.4
    assert "interleaved" in rows["1.3"]["reason"]
    assert rows["1.3"]["fingerprint"] == {"kind": "step_seconds worse"}
    assert all(len(one["turns"]) >= 6 for one in rows["1.3"]["executions"])
    probes = Path("fresh/probes")
    executed = len(list(probes.glob("*/*/probe.json")))

    before = report()
    assert harness("judge").returncode == 0
    assert report() == before
    slower.write_text(slower.read_text(encoding="utf-8").replace("= 1.4", "= 6.0"), encoding="utf-8")
    harness("judge")
    verdicts = {row["version"]: row["verdict"] for row in report()["arms"][0]["releases"]}
    assert (verdicts["1.3"], verdicts["1.4"]) == ("good", "good")
    slower.write_text(slower.read_text(encoding="utf-8").replace("= 6.0", "= 1.4"), encoding="utf-8")

    # What is stored is not executed again; of a round that was interrupted, all of it is.
    release = rows["1.3"]["executions"][0]["turns"][0]
    lost = probes / release["release"][:32] / str(release["repeat"])
    (lost / "probe.json").unlink()
    assert harness("bisect", "toy", "--search", "binary").returncode == 0
    assert len(list(probes.glob("*/*/probe.json"))) == executed
    again = (probes / release["reference"][:32] / str(release["repeat"]) / "probe.json").stat().st_mtime
    assert again == pytest.approx((lost / "probe.json").stat().st_mtime, abs=5)


def test_a_command_by_the_time_it_takes(slower, harness):
    Path("repro.py").write_text("import toy\nfor step in range(1, 16): toy.loss(step)\n", encoding="utf-8")
    words = ("bisect", "--package", "toy", "--with", "helper==1.0", "--from", "1.2", "--to", "1.3")
    done = harness(*words, "--metric", "wall_seconds", "--minimum-effect", "1.8", "--", "python", "repro.py")
    assert done.returncode == 0, done.stderr
    assert [row["verdict"] for row in report()["arms"][0]["releases"]] == ["good", "bad"]
    done = harness(*words, "--metric", "wall_seconds", "--expect", "<60", "--", "python", "repro.py")
    assert done.returncode == 0, done.stderr
    assert "wall_seconds" in report()["arms"][0]["releases"][0]["reason"]


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("minimum_effect = 1.0", 2, "a number above 1"),
        ('signal = "nosuch"', 3, "the harness itself measures step_seconds"),
    ],
)
def test_a_wrong_setting_is_told(slower, harness, line, code, said):
    slower.write_text(
        slower.read_text(encoding="utf-8").replace("minimum_effect = 1.4", line), encoding="utf-8"
    )
    done = harness("bisect", "toy")
    assert done.returncode == code
    assert said in done.stdout + done.stderr


def test_every_pair_tells_memory_and_times_of_all_kinds(slower, harness):
    heavy = "import time\n_KEPT = b'x' * 60_000_000\ntime.sleep(0.5)\n"
    light = "def loss(step):\n    time.sleep(0.01)\n    return 1.0 / step\n"
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        plant(index, {"1.0": "import time\n" + light, "1.1": heavy + light})
        own = {**os.environ, "UV_DEFAULT_INDEX": index.url}
        done = harness("bisect", "toy", env=own)
        assert done.returncode == 0, done.stderr
        asked = slower.read_text(encoding="utf-8")
        found = {}
        for signal in MEASURED:
            slower.write_text(f'{asked}signal = "{signal}"\n', encoding="utf-8")
            harness("judge", env=own)
            found[signal] = [row["verdict"] for row in report()["arms"][0]["releases"]]
        assert (
            harness("bisect", "toy", "--executor", "dask", "--scheduler", "nowhere", env=own).returncode == 2
        )
    # On a busy machine a comparison may stay undecided; none may be wrong.
    assert all(verdicts[0] in {"good", "skip"} for verdicts in found.values())
    assert {name for name, verdicts in found.items() if verdicts[1] == "bad"} == {
        "memory_peak", "wall_seconds", "import_seconds",
    }  # fmt: skip
