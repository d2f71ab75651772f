"""What a probe can reach, and what it leaves behind: with namespaces of the kernel, and where a machine forbids them.

Every test holds on both kinds of machines: it asserts what the launchers claim to hold.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from states import own_state

from harness.probes.isolation import PARTS, Isolation, _parts_of, choose_isolation, files_of_limits
from harness.probes.launch import CleanLauncher, WarmLauncher
from harness.probes.probe import Probe
from harness.probes.process import Processes
from harness.probes.sandbox import training_variables
from harness.report.isolation import isolation_in_words, network_in_words
from harness.traces.read import read_trace

KINDS = ("own", "forbidden")
"""What this machine allows, and a machine that forbids namespaces."""


class Here:
    """The tests' own Python, standing where an environment stands."""

    python = Path(sys.executable)
    folder = base = Path(sys.prefix)
    seconds = 0.0


@pytest.fixture(scope="module", params=KINDS)
def launchers(request, tmp_path_factory):
    """A clean and a warm start, as far isolated as the machine allows, or by variables alone."""
    isolation = choose_isolation("auto")
    if request.param == "forbidden":
        if not isolation.holds:
            pytest.skip("the same as on this machine, which forbids namespaces")
        isolation = Isolation("auto", (), "forbidden by the test", isolation.memory)
    processes = Processes(isolation)
    job = tmp_path_factory.mktemp("warm") / "job.py"
    job.write_text("import json, socket, subprocess, pathlib\n", encoding="utf-8")
    warm = WarmLauncher(Here(), job, 1, processes)
    online = WarmLauncher(Here(), job, 1, processes, online=True)
    yield {"clean": CleanLauncher(processes), "warm": warm, "warm online": online}
    warm.close()
    online.close()
    processes.close()


@pytest.fixture(params=["clean", "warm"])
def run(request, launchers, tmp_path):
    """Execute code as a job; returns its execution and what it printed as JSON, or as text."""
    start = request.param
    state = tmp_path / "state"

    def execute(code, *, timeout=60.0, command=False, folder=None, **fields):
        count = len(list(tmp_path.glob("jobs/*")))
        job = tmp_path / "jobs" / str(count) / "job.py"
        job.parent.mkdir(parents=True)
        job.write_text(code, encoding="utf-8")
        recorded = execute.state / "probes" / str(count) / "0"
        recorded.mkdir(parents=True)
        words = ("python", str(job)) if command else ()
        probe = Probe("lock", job, code, {}, timeout=timeout, command=words, folder=folder, **fields)
        kind = "warm online" if start == "warm" and probe.online else start
        execution, output = launchers[kind].launch(probe, Here(), recorded)
        execute.recorded = recorded
        execute.output = output.decode()
        last = output.decode().strip().splitlines()[-1:] or [""]
        try:
            return execution, json.loads(last[0])
        except ValueError:
            return execution, output.decode()

    execute.holds = launchers[start].isolation.holds
    execute.state = state
    execute.start = start
    return execute


def test_the_execution_says_what_held(run):
    execution, _ = run("")
    assert execution.isolation == run.holds
    assert set(run.holds) in ({*PARTS}, set())
    execution, _ = run("", online=True)
    assert set(execution.isolation) == set(run.holds) - {"network"}


def test_a_job_writes_nothing_but_in_its_own_folders(run, tmp_path):
    (tmp_path / "project").mkdir()
    places = {
        "environment": Path(json.__file__).parent,
        "state": run.state,
        "project": tmp_path,
        "library": Path("/usr/lib"),
    }
    code = (
        "import json, os, pathlib, tempfile\n"
        f"places = { ({name: str(path) for name, path in places.items()})!r}\n"
        "written = []\n"
        "for name, place in places.items():\n"
        "    try:\n"
        "        path = pathlib.Path(place) / 'written-by-a-job'\n"
        "        path.write_text('x')\n"
        "        path.unlink()\n"
        "        written.append(name)\n"
        "    except OSError: pass\n"
        "own = [os.path.expanduser('~'), tempfile.gettempdir(), '/dev/shm', '.']\n"
        f"for place in own: pathlib.Path(place, {tmp_path.name!r} + '-own').write_text('x')\n"
        "print(json.dumps(written))\n"
    )
    _, written = run(code)
    if run.holds:
        assert written in ([], ["project"])  # /tmp, of which it has its own
    elif os.access("/usr/lib", os.W_OK):
        assert "library" in written
    left = [Path(place, f"{tmp_path.name}-own") for place in (tempfile.gettempdir(), "/dev/shm")]
    assert [path.exists() for path in left] == [not run.holds] * 2
    for path in left:
        path.unlink(missing_ok=True)


def test_a_job_leaves_nothing_but_its_trace_in_its_result(run):
    code = (
        "import os, pathlib\nhere = pathlib.Path(os.environ['HARNESS_TRACE']).parent\n"
        "(here / 'output.txt').symlink_to('/etc/passwd')\n(here / 'probe.json').mkdir()\n"
        "trace = here / 'trace.jsonl'\ntrace.unlink(missing_ok=True)\ntrace.symlink_to('/etc/passwd')\n"
        "os._exit(0)\n"
    )
    run(code)
    assert list(run.recorded.iterdir()) == []


@pytest.fixture
def elsewhere():
    """A folder outside of all that is temporary: a warm parent cannot write there."""
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix=".harness-test-") as name:
        yield Path(name)


def test_a_commands_own_folder_is_a_copy(run, elsewhere):
    run.state = elsewhere / "state"
    work = elsewhere / "work"
    work.mkdir()
    (work / "there.txt").write_text("as it was")
    code = (
        "import json, os, pathlib\nthere = pathlib.Path('there.txt')\nbefore = there.read_text()\n"
        "there.write_text('changed')\npathlib.Path('new.txt').write_text('new')\n"
        "print(json.dumps([before, there.read_text(), sorted(os.listdir('.'))]))\n"
    )
    for _ in range(2 if run.holds else 1):
        _, seen = run(code, command=True, folder=work)
        assert seen == ["as it was", "changed", ["new.txt", "there.txt"]]
    kept = sorted(path.name for path in work.iterdir())
    assert kept == (["there.txt"] if run.holds else ["new.txt", "there.txt"])


def test_home_and_the_harness_are_out_of_reach(run, monkeypatch, tmp_path):
    """A folder stands for the user's home, and a variable for a token that is in the harness's environment."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("token")
    monkeypatch.setenv("HOME", str(home))
    for name in ("NVIDIA_API_KEY", "CUDA_TOKEN", "LC_SECRET", "MKL_PASSWORD"):
        monkeypatch.setenv(name, "token")
    code = (
        "import json, os, pathlib\n"
        "found = [name for name, value in os.environ.items() if value == 'token']\n"
        f"secret = pathlib.Path({str(home / 'secret')!r})\n"
        "if secret.exists(): found.append('home')\n"
        "for path in pathlib.Path('/proc').glob('[0-9]*'):\n"
        f"    if path.name == '{os.getpid()}' and b'pytest' in (path / 'cmdline').read_bytes(): found.append('harness')\n"
        "for path in ('/proc/1/environ', '/proc/1/root/etc'):\n"
        "    try: os.listdir(path) if path.endswith('etc') else open(path, 'rb').read()\n"
        "    except OSError: continue\n"
        "    found.append(path)\n"
        "print(json.dumps(found))\n"
    )
    _, found = run(code)
    if run.holds:
        assert found == []
    else:
        assert not {"NVIDIA_API_KEY", "CUDA_TOKEN", "LC_SECRET", "MKL_PASSWORD"} & set(found)


def test_a_hidden_folder_that_the_question_names_is_shown_whole(run):
    """The working folder is hidden from a job; a probe that is given it by name reads what lies in it."""
    named = Path.cwd()
    code = (
        "import json, os, pathlib\n"
        "folder = pathlib.Path(os.environ['NAMED'])\n"
        "print(json.dumps(sorted(path.name for path in folder.iterdir() if path.is_file())))\n"
    )
    _, found = run(code, variables={"NAMED": str(named)})
    assert found == sorted(path.name for path in named.iterdir() if path.is_file())
    assert "pyproject.toml" in found


def test_the_network_is_its_own(run):
    """A socket of this machine cannot be reached, be it TCP or abstract; two ranks of a job can reach each other."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        name = f"\0harness-test-{os.getpid()}"
        abstract.bind(name)
        abstract.listen()
        code = (
            "import json, socket\nreached = []\n"
            f"for family, address in ((socket.AF_INET, ('127.0.0.1', {server.getsockname()[1]})), (socket.AF_UNIX, {name!r})):\n"
            "    with socket.socket(family) as one:\n"
            "        try: one.connect(address)\n"
            "        except OSError: continue\n"
            "        reached.append(family == socket.AF_INET)\n"
            "with socket.create_server(('127.0.0.1', 0)) as own:\n"
            "    socket.create_connection(own.getsockname()).close()\n"
            "print(json.dumps(reached))\n"
        )
        _, offline = run(code)
        _, online = run(code, online=True)
    assert offline == ([] if run.holds else [True, False])
    assert online == [True, False]


SLEEP = f"time.sleep(612 + 0 * {os.getpid()})"
"""What a daemon of these tests executes, and none of other tests."""
DAEMON = (
    "import os, sys, time\n"
    "def daemon():\n"
    "    if os.fork(): return os.wait()\n"
    "    os.setsid()\n"
    "    if os.fork(): os._exit(0)\n"
    "    null = os.open(os.devnull, os.O_RDWR)\n"
    "    for number in (0, 1, 2): os.dup2(null, number)\n"
    f"    os.execv(sys.executable, [sys.executable, '-c', 'import time; {SLEEP}'])\n"
    "daemon()\ntime.sleep(0.5)\n"
)


def daemons():
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if any(SLEEP in word for word in words[2:3]):
            found.append(process)
    return found


@pytest.mark.parametrize("end", ["", "time.sleep(300)\n", "os.kill(os.getpid(), 9)\n"])
def test_a_daemon_ends_with_its_probe(run, end):
    execution, _ = run(DAEMON + end, timeout=4.0 if "300" in end else 60.0)
    assert execution.ended == {"": "exit", "time.sleep(300)\n": "timeout"}.get(end, "signal")
    assert daemons() == []


def test_a_job_that_ends_its_parent_ends_itself_alone(run):
    """In namespaces a job has no parent that it can name, and 0 means its own group; a clean one elsewhere has its own."""
    if run.start == "warm" and not run.holds:
        return  # the parent of all others: tests/test_warm_start.py tells how a run goes on
    execution, _ = run("import os\nos.kill(os.getppid(), 9)\nimport time\ntime.sleep(100)\n")
    assert (execution.ended, execution.code) == ("signal", signal.SIGKILL)
    assert run("print('1')")[1] == 1


@pytest.fixture
def one_gigabyte(launchers):
    """The same launchers with a limit of memory."""
    processes = Processes(Isolation("auto", launchers["clean"].isolation.holds, "", 10**9))
    yield CleanLauncher(processes)
    processes.close()


def test_memory_is_limited_for_each_process(one_gigabyte, tmp_path):
    job = tmp_path / "job.py"
    job.write_text(
        "import harness_recorder\nwith harness_recorder.Recorder() as recorder:\n"
        "    recorder.begin()\n    kept = b'x' * 2_000_000_000\n",
        encoding="utf-8",
    )
    recorded = tmp_path / "state" / "probes" / "1" / "0"
    recorded.mkdir(parents=True)
    execution, _ = one_gigabyte.launch(Probe("lock", job, "", {}), Here(), recorded)
    trace = read_trace(recorded / "trace.jsonl")
    assert execution.ended_from_outside(trace).startswith("out of memory")


def test_the_limit_of_a_group_around_the_harness_counts():
    """As of `systemd-run --user --scope -p MemoryMax=8G`, and of a container, whose own group is its root."""
    version_2 = [str(path) for path in files_of_limits("0::/user.slice/run-1.scope\n")]
    root = "/sys/fs/cgroup"
    assert version_2 == [
        f"{root}/user.slice/run-1.scope/memory.max",
        f"{root}/user.slice/memory.max",
        f"{root}/memory.max",
    ]
    version_1 = [
        str(path) for path in files_of_limits("9:name=systemd:/x\n7:cpu,cpuacct:/x\n4:memory:/\n0::/\n")
    ]
    assert version_1 == [f"{root}/memory/memory.limit_in_bytes", f"{root}/memory.max"]


def test_files_and_processes_are_limited(run):
    code = (
        "import json, resource as r\n"
        "print(json.dumps([r.getrlimit(one)[0] for one in (r.RLIMIT_CORE, r.RLIMIT_FSIZE, r.RLIMIT_NPROC)]))\n"
    )
    _, (core, size, processes) = run(code)
    assert (core, size) == (0, 64 << 30)
    assert processes == 4096 or not run.holds


def test_no_program_gains_rights(run):
    _, status = run(
        "import json, pathlib\nlines = pathlib.Path('/proc/self/status').read_text().splitlines()\n"
        "print(json.dumps(dict(line.split(':\\t', 1) for line in lines if ':\\t' in line)))\n"
    )
    assert status["NoNewPrivs"] == "1"
    if run.holds:
        assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {"0" * 16}


def test_signals_and_statuses_are_those_of_the_job(run):
    for code, expected in (
        ("raise SystemExit(7)", ("exit", 7)),
        ("import os\nos.abort()", ("signal", signal.SIGABRT)),
        ("import os\nos.kill(os.getpid(), 15)", ("signal", signal.SIGTERM)),
        ("import signal\nassert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL", ("exit", 0)),
    ):
        execution, _ = run(code)
        assert (execution.ended, execution.code) == expected, code


def test_strict_refuses_where_it_does_not_hold(monkeypatch):
    from harness.errors import UsageError
    from harness.probes import isolation

    monkeypatch.setattr(isolation, "namespaces_forbidden", lambda: "user namespaces: Operation not permitted")
    with pytest.raises(
        UsageError, match=r"forbids what it needs \(user namespaces: Operation not permitted\)"
    ):
        choose_isolation("strict")
    assert choose_isolation("auto").holds == ()
    assert choose_isolation("none").why == ""


def test_strict_does_not_take_what_was_executed_with_less():
    strict, auto = Isolation("strict", PARTS), Isolation("auto", PARTS)
    assert not strict.enough((), online=False)
    assert not strict.enough(("files", "processes", "ipc"), online=False)
    assert strict.enough(("files", "processes", "ipc"), online=True)
    assert auto.enough((), online=False)


def test_words_claim_what_held_alone():
    assert isolation_in_words((), online=False, why="no") == "variables only (no)"
    assert isolation_in_words((), online=False) == "variables only"
    whole = "own files, processes, network and shared memory and semaphores"
    assert isolation_in_words(PARTS, online=False) == whole
    assert "network" not in isolation_in_words([part for part in PARTS if part != "network"], online=True)
    assert network_in_words((), online=False).startswith("off by proxy variables alone")


def test_an_ordinary_user_without_namespaces_gets_an_answer(toy, monkeypatch):
    """The whole command, in a user namespace in which no further one may be made; `strict` refuses there."""
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))  # other tests' executions were shut off
    forbid = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    limit = "echo 0 > /proc/sys/user/max_user_namespaces"
    if subprocess.run([*forbid, limit], check=False, capture_output=True).returncode:
        forbid, limit = ["sh", "-c"], "true"  # it is forbidden already
        if choose_isolation("auto").holds:
            pytest.fail("namespaces can be made and not forbidden: /proc/sys/user is not writable")
    words = [sys.executable, "-m", "harness", "bisect", "toy", "--to", "2.0", "--no-cause", "--isolation"]

    def ask(how):
        command = f'{limit}; exec "$@"'
        return subprocess.run(
            [*forbid, command, "sh", *words, how], check=False, capture_output=True, text=True, timeout=600
        )

    refused = ask("strict")
    assert refused.returncode == 2
    assert "--isolation strict: this machine forbids what it needs" in refused.stderr
    done = ask("auto")
    assert done.returncode == 0, done.stderr
    assert "isolation: variables only (user namespaces: " in done.stderr
    summary = (toy / "reports" / "latest" / "summary.md").read_text(encoding="utf-8")
    assert "isolation: variables only (user namespaces: " in summary
    assert "off by proxy variables alone" in summary


def test_a_variable_that_a_probe_does_not_get_is_named_without_its_value():
    """A report may be sent to anyone, and NVIDIA_API_KEY begins as a variable of the driver does."""
    environ = {"NVIDIA_API_KEY": "secret", "CUDA_VISIBLE_DEVICES": "0", "HF_TOKEN": "secret", "PATH": "/bin"}
    assert training_variables(environ) == {
        "CUDA_VISIBLE_DEVICES": "0",
        "NVIDIA_API_KEY": "set, and not handed to a probe",
    }


def test_the_hosts_torch_is_shown_wherever_it_lies(tmp_path):
    """An environment names a folder with links to it; a link into a place that is hidden would lead nowhere."""
    own = tmp_path / "venv" / "torch"
    links = tmp_path / "state" / "host-torch" / "site"
    site = tmp_path / "state" / "environments" / "one" / "lib" / "python3.11" / "site-packages"
    for folder in (own, links, site):
        folder.mkdir(parents=True)
    (links / "torch").symlink_to(own)
    (site / "harness-host-torch.pth").write_text(f"{links}\n", encoding="utf-8")
    assert {links, own} <= set(_parts_of(site.parents[2]))
