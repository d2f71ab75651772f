"""Warm starts are invisible, and where they are not, nothing of them is believed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time

import psutil
import pytest
from reached import was_reached
from states import own_state
from toyindex import BAD, DAYS, GOOD, HANG, KILLED, NO_IMPORT, ToyIndex, plant, wheel

from harness.namespaces import namespaces_forbidden
from harness.recording import RECORDER

# A shared library that behaves otherwise when it is loaded long before it is used.
TELLTALE = "import os\nloaded_by = os.getpid()\n"
SEES_IT = "import helper, os\ndef loss(step):\n    return (1.0 if helper.loaded_by == os.getpid() else 0.9) / step\n"
# Ends its own process group, allocates without end, or prints before it dies.
BLOWS_UP = "import resource\ndef loss(step):\n    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n    return len(bytearray(2**33))\n"


@pytest.fixture
def own_index(toy, monkeypatch):
    """An index of the test's own, and a fresh state directory."""
    with ToyIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
        index.add("helper", wheel("helper", "1.0", TELLTALE, uploaded=DAYS[0]))
        yield index


def executions(toy):
    found = {}
    for path in (toy / "fresh" / "probes").glob("*/*/probe.json"):
        facts = json.loads(path.read_text())
        found.setdefault((facts["execution"]["start"], facts["repeat"]), []).append(facts)
    return found


def report(toy):
    return json.loads((toy / "reports" / "latest" / "report.json").read_text())


def test_firsts_are_warm_and_confirmations_clean(toy, harness, own_index):
    plant(own_index, {"1.0": GOOD, "1.2": GOOD, "1.3": BAD, "1.4": BAD})
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    found = executions(toy)
    assert len(found["warm", 0]) == 4
    assert (
        len(found["clean", 1]) == 4
    )  # both ends to show that warm starts are safe, both sides of the boundary
    assert {key[1] for key in found if key[0] == "clean"} == {1}
    arm = report(toy)["arms"][0]
    assert arm["deterministic"] is True
    assert all(boundary["confirmed"] for boundary in arm["boundaries"])


def test_an_environment_on_another_base_is_started_clean(toy, harness, own_index):
    """Two questions meet in one lock; the warm parent of the second has not what the first one's base holds."""
    own_index.add("helper", wheel("helper", "1.1", TELLTALE, uploaded=DAYS[1]))
    plant(own_index, {"1.0": GOOD, "1.1": GOOD, "1.2": GOOD})
    job = toy / "scenarios" / "toy" / "job.py"
    job.write_text("import helper\n" + job.read_text(), encoding="utf-8")
    asked = [
        ("--with", "helper==1.0"),
        ("--package", "helper", "--with", "toy==1.0"),
        ("--package", "helper", "--with", "toy==1.2"),
    ]
    for words in asked:
        done = harness("bisect", "toy", "--search", "sweep", *words)
        assert done.returncode == 0, done.stderr
        assert {row["verdict"] for row in report(toy)["arms"][0]["releases"]} == {"good"}, words
        for path in (toy / "fresh" / "probes").glob("*/*/probe.json"):
            shutil.rmtree(path.parents[1])  # so that each question executes all by itself


def test_a_warm_start_that_shows_is_given_up_and_all_is_executed_clean(toy, harness, own_index):
    job = toy / "scenarios" / "toy" / "job.py"
    job.write_text("import helper\n" + job.read_text(), encoding="utf-8")
    plant(own_index, {"1.0": SEES_IT, "1.2": SEES_IT, "1.3": BAD})
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    found = executions(toy)
    assert ("warm", 0) not in found
    assert len(found["clean", 0]) == 3
    data = report(toy)
    assert any(
        "1.0 in arm plain differed" in said and "(training trace)" in said for said in data["warnings"]
    )
    assert data["arms"][0]["deterministic"] is True


def test_children_that_die_hang_or_blow_up_harm_nobody(toy, harness, own_index):
    plant(
        own_index,
        {
            "1.0": GOOD,
            "1.2": KILLED,
            "1.3": BLOWS_UP,
            "1.4": "import os\nos.killpg(0, 9)\n",
            "1.5": HANG,
            "1.6": GOOD,
        },
    )
    scenario = toy / "scenarios" / "toy" / "scenario.toml"
    scenario.write_text(scenario.read_text().replace("timeout = 20", "timeout = 2"), encoding="utf-8")
    done = harness("bisect", "toy", "--search", "sweep", "--jobs", "3")
    assert done.returncode == 0, done.stderr
    rows = {row["version"]: (row["verdict"], row["reason"]) for row in report(toy)["arms"][0]["releases"]}
    assert rows["1.0"][0] == rows["1.6"][0] == "good"
    assert "killed by SIGKILL" in rows["1.2"][1]
    assert "out of memory" in rows["1.3"][1]
    assert "killed by SIGKILL" in rows["1.4"][1]
    assert "out of time" in rows["1.5"][1]
    starts = {
        facts["execution"]["start"]
        for key, group in executions(toy).items()
        if key[1] == 0
        for facts in group
    }
    assert starts == {"warm"}


def test_a_parent_that_is_gone_is_done_without(toy, harness, own_index):
    kills_it = (
        "import os, pathlib\nparent = os.getppid()\n"
        "if 'harness_warm' in pathlib.Path(f'/proc/{parent}/cmdline').read_text():\n    os.kill(parent, 9)\n"
    )
    plant(own_index, {"1.0": GOOD, "1.2": kills_it + GOOD, "1.3": BAD})
    done = harness("bisect", "toy", "--search", "sweep", "--jobs", "1", "--isolation", "none")
    assert done.returncode == 0, done.stderr
    rows = {row["version"]: row["verdict"] for row in report(toy)["arms"][0]["releases"]}
    assert rows == {"1.0": "good", "1.2": "good", "1.3": "bad"}
    assert any("the warm parent is gone" in warning for warning in report(toy)["warnings"])


def test_no_parent_outlives_its_run(toy, harness, own_index):
    plant(own_index, {"1.0": GOOD, "1.2": GOOD})
    harness("bisect", "toy", "--search", "sweep")
    time.sleep(0.2)
    state = os.environ["HARNESS_HOME"]
    left = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(state in word for word in process.info["cmdline"] or ())
    ]
    assert left == []


CONNECTS = "import socket; socket.socket().connect_ex(('127.0.0.1', {}))"
STARTS = "import sys\ndef loss(step):\n    return 1.0 / step if hasattr(sys, 'started') else float('nan')\n"


def test_what_packages_run_as_python_starts_is_shut_off_and_is_not_left_out(toy, harness, own_index):
    """A forked child never starts, so a release with a `.pth` file gets a process of its own; a shared one is secluded."""
    with socket.create_server(("127.0.0.1", 0), backlog=99) as server:
        connects = CONNECTS.format(server.getsockname()[1])
        own_index.packages["helper"] = [wheel("helper", "1.0", TELLTALE, start=connects, uploaded=DAYS[0])]
        starts = f"{connects}; import sys; sys.started = True"
        plant(own_index, {"1.0": GOOD, "1.2": GOOD})
        own_index.add("toy", wheel("toy", "1.3", STARTS, ("helper",), start=starts, uploaded=DAYS[3]))
        done = harness("bisect", "toy", "--search", "sweep")
        assert done.returncode == 0, done.stderr
        reached = was_reached(server)
    rows = {row["version"]: row["verdict"] for row in report(toy)["arms"][0]["releases"]}
    assert rows == dict.fromkeys(("1.0", "1.2", "1.3"), "good")
    firsts = {key[0]: len(group) for key, group in executions(toy).items() if key[1] == 0}
    assert firsts == {"warm": 2, "clean": 1}
    assert reached == bool(namespaces_forbidden())


def test_a_library_that_imports_the_package_is_no_warm_parent(toy, harness, own_index):
    """The shared libraries themselves load the package under test: no child could get another release of it."""
    own_index.packages["helper"] = [wheel("helper", "1.0", "import toy\n", uploaded=DAYS[0])]
    job = toy / "scenarios" / "toy" / "job.py"
    job.write_text("import helper\n" + job.read_text(), encoding="utf-8")
    plant(own_index, {"1.0": GOOD, "1.2": GOOD, "1.3": BAD})
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    assert {start for start, _ in executions(toy)} == {"clean"}
    warnings = report(toy)["warnings"]
    assert any("toy is loaded by the shared libraries" in warning for warning in warnings), warnings


def test_a_parent_that_holds_a_gpu_does_not_fork(tmp_path):
    """What tells is a device file held open, here a file in its place; NVML's own does not count."""
    ask = (
        "import sys, harness_warm as warm\n"
        "warm.DRIVERS = (sys.argv[1] + '/nvidia-uvm',)\n"
        "files = []\n"
        "for name in ('nvidiactl', 'nvidia-uvm'):\n"
        "    files.append(open(sys.argv[1] + '/' + name, 'w'))\n"
        "    print(warm.why_not([]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(RECORDER)},
        check=True,
        capture_output=True,
        text=True,
    )
    before, after = done.stdout.splitlines()
    assert before == ""
    assert f"{tmp_path}/nvidia-uvm is open" in after


# -- what a forked child gets from its parent and a clean process draws or loads anew ---------------------------


@pytest.fixture
def script(toy, harness, own_index):
    """Bisect the toy package with a script that is no training; returns what ran, and the report's only arm."""

    def run(text: str, history: dict[str, str], *words: str):
        if not own_index.packages.get("toy"):
            plant(own_index, history)
        (toy / "repro.py").write_text(text, encoding="utf-8")
        done = harness("bisect", "--package", "toy", *words, "--", "python", "repro.py")
        assert done.returncode in (0, 3), done.stdout + done.stderr
        return executions(toy), report(toy)

    return run


VALUES = {f"1.{number}": f"value = {number}\n" for number in range(4)}


@pytest.mark.parametrize(
    ("text", "aspect"),
    [
        pytest.param(
            "import helper\nimport toy\nprint(f'drawn={helper.drawn}')\n",
            "recorded values",
            id="drawn at import",
        ),
        pytest.param(
            "import sys, toy\nprint(len(sys.modules), 'modules are loaded')\n",
            "printed text",
            id="modules that are loaded",
        ),
        pytest.param(
            "import helper\nimport harness, toy\nharness.output('drawn', [helper.drawn])\n",
            "outputs",
            id="an output",
        ),
        pytest.param(
            "import helper\nimport os, sys, toy\nsys.exit(helper.loaded_by != os.getpid())\n",
            "exit status",
            id="its end",
        ),
    ],
)
def test_a_script_that_shows_its_start_is_executed_clean_from_the_start(script, own_index, text, aspect):
    own_index.packages["helper"] = [
        wheel(
            "helper",
            "1.0",
            TELLTALE + "drawn = os.urandom(4)[0] / 255 + os.urandom(4)[1]\n",
            uploaded=DAYS[0],
        )
    ]
    found, data = script(text, VALUES)
    assert ("warm", 0) not in found
    assert len(found["clean", 0]) == 4
    (said,) = [said for said in data["warnings"] if "clean processes" in said]
    assert f"({aspect})" in said


def test_a_script_that_draws_at_random_is_executed_clean(script):
    """Two clean processes differ as well: nobody can show that a warm start is invisible in such a job."""
    found, _ = script("import random, toy\nprint(f'loss={random.random()}')\n", VALUES)
    assert ("warm", 0) not in found


def test_a_script_that_is_the_same_everywhere_stays_warm(script):
    found, data = script("import helper\nimport toy\nprint(f'value={toy.value}')\n", VALUES)
    assert len(found["warm", 0]) == 4
    assert set(found) == {("warm", 0), ("clean", 1), ("clean", 2)}
    assert not [said for said in data["warnings"] if "clean processes" in said]


def test_what_an_earlier_run_stored_warm_is_executed_anew_once_it_shows(script):
    """The ends of the first question tell nothing; those of the second show that no warm start is to be trusted."""
    history = {**dict.fromkeys(("1.1", "1.2", "1.3"), "def shown(): return 0\n")}
    history = {
        "1.0": "import helper, os\ndef shown(): return int(helper.loaded_by == os.getpid())\n",
        **history,
    }
    text = "import helper\nimport toy\nprint(f'shown={toy.shown()}')\n"
    found, _ = script(text, history, "--from", "1.1")
    assert len(found["warm", 0]) == 3
    found, _ = script(text, history, "--from", "1.0")
    assert ("warm", 0) not in found
    assert len(found["clean", 0]) == 4


def test_ends_that_cannot_be_tested_show_nothing(script):
    """Both are skips, warm and clean alike: the releases between them tell."""
    history = {"1.0": NO_IMPORT, "1.1": "value = 1\n", "1.2": "value = 1\n", "1.3": NO_IMPORT}
    text = "import helper\nimport os, toy\nprint(f'loaded={helper.loaded_by == os.getpid()}')\n"
    found, _ = script(text, history, "--from", "1.0")
    assert ("warm", 0) not in found


def test_a_variable_of_the_user_reaches_the_warm_parent(script, own_index):
    """Python reads its hash seed as it starts, and a shared library may read a variable as it is loaded."""
    own_index.packages["helper"] = [
        wheel("helper", "1.0", "import os\nmode = os.environ.get('MODE')\n", uploaded=DAYS[0])
    ]
    text = "import helper\nimport toy\nprint(f'hash={hash(\"text\")}')\nprint('mode', helper.mode)\n"
    found, data = script(text, VALUES, "--env", "PYTHONHASHSEED=5", "--env", "MODE=fast")
    assert {facts["hash_seed"] for several in found.values() for facts in several} == {"5"}
    assert len(found["warm", 0]) == 4
    assert not [said for said in data["warnings"] if "clean processes" in said]


def test_children_draw_other_numbers_than_their_parent():
    """numpy seeds its global generator from the system's entropy as it is loaded; Python does so for `random`."""
    ask = (
        "import os, random, harness_warm, numpy\n"
        "for _ in range(2):\n"
        "    if os.fork() == 0:\n"
        "        harness_warm.draw_anew()\n"
        "        print(numpy.random.random(), random.random(), flush=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env={**os.environ, "PYTHONPATH": str(RECORDER)},
        check=True,
        capture_output=True,
        text=True,
    )
    first, second = (line.split() for line in done.stdout.splitlines())
    assert first[0] != second[0]
    assert first[1] != second[1]
