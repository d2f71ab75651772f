"""Every "reproduce" command of a night's run, executed as printed, finds its probes stored: it executes nothing."""

from __future__ import annotations

import pytest
from printed_commands import check, report
from toyindex import BAD

WATCHES = {
    "plain": "",
    "every key": "set = { steps = 7 }\npre = true\ncause = false\nfixes = true\nseeds = 2\ndevice = 'cpu'\n",
    "from": "from = '1.0'\narms = ['scaled']\n",
}


def runs(month):
    """Return what each run of the nights says, in the order of their dates."""
    found = [path for path in (month.folder / "reports").iterdir() if (path / "report.json").is_file()]
    return [report(path) for path in sorted(found) if not path.is_symlink()]


@pytest.mark.parametrize("keys", WATCHES.values(), ids=WATCHES)
def test_of_a_night(keys, month, harness):
    config = month.folder / "nightly.toml"
    config.write_text(config.read_text(encoding="utf-8") + keys, encoding="utf-8")
    scenario = month.folder / "scenarios" / "toy" / "scenario.toml"
    text = scenario.read_text(encoding="utf-8")
    scenario.write_text(text + "\n[fixes.gentle]\nset = { scale = 0.5 }\n", encoding="utf-8")
    month.release("1.0")
    month.release("1.1")
    month.night(1)
    month.release("2.0rc1" if "pre" in keys else "2.0", BAD, day=2)
    month.release("2.1", day=2)
    assert month.night(2).code == 1
    found = runs(month)
    assert found
    assert all(one["question"]["plan"]["any_failure"] for one in found)
    check(found[-1], harness)


def test_of_a_night_about_the_package_that_moved(month, harness):
    code = "import helper\ndef loss(step):\n    return getattr(helper, 'times', 1.0) / step\n"
    month.release("1.0", code)
    month.night(1)
    month.release("2.1", "times = float('nan')\n", name="helper", day=2)
    month.release("2.2", "times = float('nan')\n", name="helper", day=2)
    scenario = month.folder / "scenarios" / "toy" / "scenario.toml"
    scenario.write_text(scenario.read_text().replace("helper==1.0", "helper==2.2"), encoding="utf-8")
    assert month.night(2).code == 1
    (about,) = [one for one in runs(month) if one["package"] == "helper"]
    assert [row["verdict"] for row in about["arms"][0]["releases"]] == ["good", "good", "bad", "bad"]
    check(about, harness)
