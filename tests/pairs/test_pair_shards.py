"""A question about two packages shared out among machines, and their state directories merged: the same answer."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from printed_commands import executed
from states import own_state
from toyindex import ToyIndex
from toypairs import BOTH, PAIR, plant_pair, stored

LEFT = ["ggbb", "ggbb"]
ALSO = 'also = { package = "right" }'


def found(folder):
    """Return what a run says, without times and names of folders."""
    (arm,) = stored(folder)["arms"]
    rows = [(row["version"], row["verdict"], row["lock"], row["probe"]) for row in arm["releases"]]
    return arm["answer"], arm["boundaries"], rows


def test_shards_merged_are_one_run(ask, tmp_path, monkeypatch, harness):
    """All that an answer needs lies on the edges of the grid, so that the run that answers executes nothing."""
    ask(LEFT, "both", "--search", "sweep", "--out", "whole", command=(), also=ALSO)
    whole = found("whole/latest")
    with ToyIndex() as index:
        plant_pair(index, LEFT)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("HARNESS_HOME", own_state(tmp_path / "planner"))
        planned = harness("plan", "both", "--shards", "2", "--json")
        assert planned.returncode == 0, planned.stderr
        entries = json.loads(planned.stdout)["include"]
        # The edges of four by two releases are all of them; a row has what its corner's column has.
        assert [(entry["from"], entry["to"], entry["probes"]) for entry in entries] == [
            ("left 1.0 with right 1.0", "left 4.0 with right 1.0", 4),
            ("left 1.0 with right 2.0", "right 2.0 with left 4.0", 4),
        ]
        homes = []
        for entry in entries:
            homes.append(str(tmp_path / f"shard-{entry['shard']}"))
            monkeypatch.setenv("HARNESS_HOME", own_state(Path(homes[-1])))
            done = harness("bisect", *shlex.split(entry["arguments"]))
            assert done.returncode == 0, done.stderr
            assert f"shard {entry['shard']}/2 of left and right: " in done.stdout
        monkeypatch.setenv("HARNESS_HOME", own_state(tmp_path / "planner"))
        assert harness("merge", *homes).returncode == 0
        before = executed()
        done = harness("bisect", "both", "--search", "sweep")
        assert done.returncode == 0, done.stderr
        assert executed() == before
        assert found("reports/latest") == whole
        planned = harness("plan", *BOTH, "--shards", "2", "--", "python", "repro.py")
        assert "--shard 1/2 -- python repro.py" in planned.stdout
        assert planned.stdout.splitlines()[-1] == (
            "python -m harness bisect --package left --package right -- python repro.py"
        )


def test_a_shard_needs_the_locks_of_the_plan(ask):
    done, _ = ask(PAIR, *BOTH, "--shard", "1/2")
    assert done.returncode == 2
    assert "--shard 1/2: needs --locks" in done.stderr
