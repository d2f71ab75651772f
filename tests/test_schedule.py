"""How often a scenario asks for statistics: what it does to a probe's address and to what is drawn."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.probes.probe import Probe
from harness.report.signals import Signal, measured
from harness.scenario import load_scenario
from harness.traces.trace import Trace


def scenario(folder, line):
    (folder / "job.py").write_text("", encoding="utf-8")
    text = f'package = "toy"\n{line}\n[arms.main]\n[oracle]\nkind = "training"\n'
    (folder / "scenario.toml").write_text(text, encoding="utf-8")
    return load_scenario(str(folder))


def test_only_another_schedule_changes_the_address(tmp_path):
    digests = set()
    for line in ("", "statistics_every = 1", "statistics_every = 10"):
        made = scenario(tmp_path, line)
        assert made.instructions == ({"statistics_every": 10} if "10" in line else {})
        digests.add(Probe("lock", made.job, "job", {}, instructions=made.instructions).digest)
    assert len(digests) == 2


@pytest.mark.parametrize("line", ["statistics_every = 0", "statistics_every = 1.5", "probes_per_gpu = -1"])
def test_a_wrong_number_is_told(tmp_path, line):
    with pytest.raises(UsageError, match=line.partition(" ")[0]):
        scenario(tmp_path, line)


def test_what_was_not_measured_is_not_drawn():
    columns = ("loss", "score.weight.before.min", "lora_A.gradient_norm")
    rows = ((1.0, 0.1, 2.0), (0.9, None, None), (0.8, 0.3, None), (0.7, None, None), (0.6, 0.5, 1.0))
    trace = Trace(columns=columns, steps=(1, 2, 3, 4, 5), rows=rows)
    steps, values = measured(trace, Signal("loss", "", "", ("loss",)))
    assert list(steps) == [1, 2, 3, 4, 5]
    steps, values = measured(trace, Signal("g", "", "", ("lora_A.gradient_norm",)))
    assert list(steps) == [1, 3, 5], "that a statistic cannot be told is a gap, that none was taken is none"
    assert values[0] == 2.0
    assert values[1] != values[1]
