"""Traces for notebooks: one table as CSV or Parquet, and data frames."""

from __future__ import annotations

import csv
import math
import subprocess
import sys

import pytest
import synthetic_report

import harness
from harness.cli import main
from harness.errors import UsageError
from harness.files import to_json, write_atomic
from harness.probes.store import Store
from harness.report import write_report
from harness.runs.tables import KEYS, trace_table, write_table
from harness.state import State

KEPT = ("0.6.2", "0.7.0", "0.12.0")
EXECUTION = {"ended": "exit", "code": 0, "seconds": 1.0, "memory_peak": 1}


def store_trace(state, probe, trace):
    """Write a trace as the recorder does."""
    folder = state.probes / probe[:32] / "0"
    lines = [{"event": "columns", "names": trace.columns}]
    pairs = zip(trace.steps, trace.rows, strict=True)
    lines += [{"event": "step", "step": step, "values": row} for step, row in pairs]
    write_atomic(folder / "trace.jsonl", "".join(to_json(line, indent=None) for line in lines))
    write_atomic(folder / "probe.json", to_json({"execution": EXECUTION, "environment_seconds": 0.1}))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two arms with three seeds and its state directory; the trace of one execution is gone."""
    root = tmp_path_factory.mktemp("run")
    report, evidence = synthetic_report.with_seeds(*synthetic_report.report(steps=5, releases=KEPT, skip=()))
    write_report(root / "reports" / "one", report, evidence)
    state = State(root / "home")
    gone = report.arms[1].releases[-1].executions[-1]["probe"]
    for arm in report.arms:
        for release in arm.releases:
            for execution in release.executions:
                if execution["probe"] != gone:
                    store_trace(state, execution["probe"], evidence[execution["probe"]].trace)
    return root / "reports" / "one", state, report


def test_a_row_is_a_step_and_the_first_columns_say_which(run):
    _, state, report = run
    table = trace_table(report, Store(state))
    assert tuple(table.columns)[: len(KEYS)] == KEYS
    assert table.missing == 1
    assert {len(column) for column in table.columns.values()} == {table.rows}
    assert set(table.columns["seed"]) == {0, 1, 2}
    assert set(zip(table.columns["arm"], table.columns["release"], strict=True)) == {
        (arm, release) for arm in ("fp16", "bf16") for release in KEPT
    }


def test_csv_tells_not_a_number_from_nothing(run, tmp_path, monkeypatch, capsys):
    folder, state, _ = run
    monkeypatch.setenv("HARNESS_HOME", str(state.root))
    target = tmp_path / "traces.csv"
    assert main(["report", str(folder), "--traces", str(target)]) == 0
    said = capsys.readouterr()
    assert "rows" in said.out
    assert "1 traces are not stored" in said.err
    with target.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    broken = next(
        row for row in rows if row["release"] == "0.7.0" and row["arm"] == "fp16" and row["step"] == "2"
    )
    assert (broken["loss"], broken["verdict"]) == ("nan", "bad")
    assert broken["score.weight.optimizer.norm"] == "inf"
    assert broken["score.gradient.before.norm"] == ""


def test_parquet_keeps_numbers_as_they_are(run, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install pyarrow")
    _, state, report = run
    table = trace_table(report, Store(state))
    write_table(tmp_path / "traces.parquet", table)
    read = parquet.read_table(tmp_path / "traces.parquet").to_pydict()
    assert list(read) == list(table.columns)
    for name, values in table.columns.items():
        pairs = list(zip(read[name], values, strict=True))
        assert all((one is None) == (other is None) for one, other in pairs), f"{name}: nothing is not NaN"
        assert all(one == other or (one != one and other != other) for one, other in pairs), name  # noqa: PLR0124


def test_without_pyarrow_the_message_says_what_to_do(run, tmp_path, monkeypatch):
    _, state, report = run
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'training-bisect\[parquet\]', or choose .* \.csv"):
        write_table(tmp_path / "traces.parquet", trace_table(report, Store(state)))
    assert list(tmp_path.iterdir()) == []


def test_another_ending_and_an_empty_home_are_told(run, tmp_path, monkeypatch, capsys):
    folder, state, report = run
    with pytest.raises(UsageError, match=r"ends in \.csv or \.parquet"):
        write_table(tmp_path / "traces.txt", trace_table(report, Store(state)))
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "empty"))
    assert main(["report", str(folder), "--traces", str(tmp_path / "x.csv")]) == 2
    assert "set HARNESS_HOME" in capsys.readouterr().err


def test_data_frames(run):
    folder, state, _ = run
    loaded = harness.load_run(folder, state=state.root)
    assert list(loaded.releases.groupby("arm", sort=False).size()) == [3, 3]
    broken = loaded.releases.query("arm == 'fp16' and version == '0.7.0'").iloc[0]
    assert (broken["verdict"], broken["fingerprint.phase"], broken["uploaded"].year) == (
        "bad",
        "optimizer",
        2023,
    )
    assert set(loaded.boundaries["signal"]) == {"verdict", "census", "trace"}
    fp16 = loaded.traces.query("arm == 'fp16' and seed == 0")
    losses = fp16.pivot(index="step", columns="release", values="loss")
    assert list(losses.columns) == sorted(KEPT)
    assert math.isnan(losses.loc[2, "0.7.0"])


def test_a_path_without_a_run_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"expected a folder with a report\.json"):
        harness.load_run(tmp_path)


def test_importing_the_package_loads_no_pandas():
    code = "import sys, harness; print('pandas' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False False"
