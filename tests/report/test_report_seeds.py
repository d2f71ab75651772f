"""Every seed is shown, and a class of equal traces stays one line to choose."""

from __future__ import annotations

import pytest
import synthetic_report

from harness.report import curves, write_report
from harness.report.curves import BUDGET, first_onset, lines
from harness.report.evidence import probes_of


@pytest.fixture(scope="module")
def seeded():
    return synthetic_report.with_seeds(*synthetic_report.report(skip=()))


def test_a_release_has_a_probe_a_seed(seeded):
    report, _ = seeded
    assert list(probes_of(report.arms[0].releases[0])) == [0, 1, 2]
    plain, _ = synthetic_report.report(skip=())
    assert list(probes_of(plain.arms[0].releases[0])) == [0]


def test_a_line_has_all_its_seeds_and_tells_how_many_broke(seeded):
    report, evidence = seeded
    good, bad = lines(report.arms[0], evidence)
    assert (len(good.traces), len(bad.traces)) == (3, 3)
    assert first_onset(good) is None
    assert first_onset(bad) == (1, "weight layers.0.q_proj.lora_A in optimizer, in 2 of 3 seeds")


def test_all_seeds_are_embedded_and_compared_seed_by_seed(seeded):
    data = curves.data(*seeded)
    fp16 = data["arms"][0]
    assert not data["brief"]
    assert [len(group["seeds"]) for group in fp16["classes"]] == [3, 3]
    assert [seed["seed"] for seed in fp16["classes"][0]["seeds"]] == [0, 1, 2]
    base = fp16["classes"][0]["seeds"]
    assert len({seed["series"]["loss"]["v"] for seed in base}) == 3
    assert len({seed["series"]["loss.difference"]["v"] for seed in base}) == 1, "each is its own reference"


def test_with_more_seeds_than_a_page_can_hold_the_loss_keeps_them_all(monkeypatch):
    monkeypatch.setattr(curves, "BUDGET", 60_000)
    report, evidence = synthetic_report.with_seeds(*synthetic_report.report(skip=()), count=12)
    data = curves.data(report, evidence)
    group = data["arms"][1]["classes"][0]
    assert data["brief"]
    assert all(seed["series"]["loss"] for seed in group["seeds"])
    others = [
        index for index, seed in enumerate(group["seeds"]) if "score.weight.optimizer.norm" in seed["series"]
    ]
    assert others == [group["lead"]]
    assert BUDGET > 1_000_000


def test_the_figures_say_how_many_seeds_they_show(seeded, tmp_path):
    write_report(tmp_path, *seeded)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "0.6.1, 0.6.2 (3 seeds)" in page
    assert "in 2 of 3 seeds" in page
    assert "<dt>Seeds</dt><dd>0 bad, 1 bad, 2 good</dd>" in page
