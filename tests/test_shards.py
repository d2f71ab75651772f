"""A question shared out among machines, and their state directories merged into one: the same answer as on one machine."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from states import own_state
from test_bisect import report, timeless

from harness.errors import UsageError
from harness.runs.share import parse_shard


def entries(state):
    """Return {address: content} of all results of a state directory."""
    return {
        path.parent.relative_to(state / "probes").as_posix(): path.read_bytes()
        for path in Path(state).glob("probes/*/*/probe.json")
        if not path.parent.name.startswith(".")  # what a kill left unfinished is no result
    }


@pytest.fixture
def sharded(toy, harness, monkeypatch):
    """Execute the toy question in three shards, each with a state directory of its own; returns the state directories."""
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "planner"))
    planned = harness("plan", "toy", "--shards", "3", "--json")
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.count("\n") == 1
    homes = []
    for entry in json.loads(planned.stdout)["include"]:
        homes.append(toy / f"shard-{entry['shard']}")
        monkeypatch.setenv("HARNESS_HOME", own_state(homes[-1]))
        done = harness("bisect", *shlex.split(entry["arguments"]))
        assert done.returncode == 0, done.stderr
        assert f"shard {entry['shard']}/3 of toy" in done.stdout
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "planner"))
    return homes


@pytest.fixture
def whole(toy, harness, monkeypatch):
    """Return what one machine says, and the state directory that it left behind."""
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "whole"))
    done = harness("bisect", "toy", "--search", "sweep", "--out", "whole-reports")
    assert done.returncode == 0, done.stderr
    return timeless(report("whole-reports/latest")), toy / "whole"


def test_three_shards_merged_are_one_run_and_nothing_is_executed(toy, whole, sharded, harness):
    expected, state = whole
    assert not list((toy / "reports").glob("*"))
    shares = [entries(one) for one in sharded]
    assert all(shares)
    assert sum(map(len, shares)) == len({address for one in shares for address in one}), "executed twice"
    done = harness("merge", *map(str, sharded))
    assert done.returncode == 0, done.stderr
    merged = entries(toy / "planner")
    assert set(merged) >= set(entries(state))
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    assert entries(toy / "planner") == merged, "something was executed"
    assert timeless(report()) == expected


def test_what_is_stored_needs_no_shard(toy, whole, harness):
    planned = harness("plan", "toy", "--shards", "3", "--from", "2.0", "--json")
    assert json.loads(planned.stdout) == {"include": []}
    planned = harness("plan", "toy", "--shards", "3", "--json")
    (left,) = json.loads(planned.stdout)["include"]  # what cannot be installed leaves nothing to store
    assert (left["from"], left["to"], left["probes"]) == ("1.0", "1.3", 1)
    done = harness("plan", "toy", "--shards", "2", "--arm", "scaled", "--set", "steps=4", "--to", "1.1")
    words = "bisect toy --to 1.1 --locks plan --arm scaled --set steps=4"
    assert f"python -m harness {words} --shard 2/2\n" in done.stdout
    assert done.stdout.endswith(f"python -m harness {words}\n")


def test_a_merge_is_idempotent_and_tells_what_is_damaged(toy, whole, harness):
    _, state = whole
    copy = toy / "copy"
    shutil.copytree(state / "probes", copy / "probes")
    first, second, *_ = sorted(copy.glob("probes/*/*/probe.json"))
    first.write_text("{", encoding="utf-8")
    (second.parent / "output.txt").write_text("other", encoding="utf-8")
    into = toy / "new"
    done = harness("merge", str(copy), "--into", str(into))
    assert done.returncode == 0
    assert f"{first.parent}: probe.json cannot be read; left out" in done.stderr
    assert f"{second.parent}: output.txt is not as it was stored; left out" in done.stderr
    assert len(entries(into)) == len(entries(state)) - 2
    for added in (2, 0):
        done = harness("merge", str(state), "--into", str(into))
        assert f"{added} results and" in done.stdout
        assert entries(into) == entries(state)
    (into / second.relative_to(copy)).with_name("trace.jsonl").write_text("", encoding="utf-8")
    done = harness("merge", str(state), "--into", str(into))
    assert "trace.jsonl is not as it was stored; replaced" in done.stderr
    assert harness("merge", str(state), "--into", str(into)).stderr == ""


def without_sum(path):
    """Read a stored result as older harnesses wrote it, so that another content is no damage."""
    facts = json.loads(path.read_text())
    del facts["sum"]
    return facts


def test_homes_that_contradict_each_other_are_told_and_both_kept(toy, whole, harness):
    _, state = whole
    other = toy / "other"
    shutil.copytree(state, other, ignore=shutil.ignore_patterns("environments"))
    one, two, *_ = sorted(other.glob("probes/*/*/probe.json"))
    facts = without_sum(one)
    one.write_text(json.dumps({**facts, "execution": {**facts["execution"], "code": 7}}), encoding="utf-8")
    facts = without_sum(two)
    two.write_text(
        json.dumps({**facts, "execution": {**facts["execution"], "seconds": 99.0}}), encoding="utf-8"
    )
    lock = next(other.glob("locks/*.txt"))
    _, _, content = lock.read_text().partition("\n")  # the first line is the sum of what follows
    lock.write_text(content.replace("helper==1.0", "helper==1.5"), encoding="utf-8")
    before = entries(state)
    for _ in range(2):
        done = harness("merge", str(other), "--into", str(state))
        assert done.returncode == 3
        assert done.stderr.count("conflict:") == 2
        assert entries(state) == before
        (kept,) = state.glob("conflicts/*/probes/*/*/probe.json")
        assert kept.read_bytes() == one.read_bytes()
        (kept,) = state.glob("conflicts/*/locks/*.txt")
        assert kept.read_bytes() == lock.read_bytes()


def test_a_merge_that_is_killed_is_done_again(toy, whole, harness):
    _, state = whole
    many = toy / "many"
    shutil.copytree(state / "probes", many / "probes")
    for path in list(many.glob("probes/*")):
        for count in range(40):
            shutil.copytree(path, path.with_name(f"{count:08x}{path.name[8:]}"))
    into = toy / "new"
    for share in (0.2, 0.4, 0.6):
        process = subprocess.Popen([sys.executable, "-m", "harness", "merge", str(many), "--into", str(into)])
        while len(list(into.glob("probes/*/*"))) < share * len(entries(many)):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 0 < len(entries(into)) < len(entries(many))
    done = harness("merge", str(many), "--into", str(into))
    assert done.returncode == 0, done.stderr
    assert entries(into) == entries(many)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("merge", "nowhere"), "nowhere: not a state directory of the harness"),
        (("merge", "{state}"), "cannot be merged into itself"),
        (("bisect", "toy", "--shard", "1/2"), "needs --locks"),
        (("bisect", "toy", "--shard", "3/2", "--locks", "plan"), "expected K/N"),
    ],
)
def test_what_cannot_be_understood_is_told(toy, harness, words, said):
    state = os.environ["HARNESS_HOME"]
    (Path(state) / "probes").mkdir(parents=True, exist_ok=True)
    done = harness(*(word.format(state=state) for word in words))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "a/b", "-1/3", "1/3/4"])
def test_a_shard_is_written_k_of_n(text):
    with pytest.raises(UsageError):
        parse_shard(text)
