"""A probe runs a script as `python script.py` does: the same output, the same end, from a clean and a warm start.

HARNESS_TEST_PYTHONS names further interpreters, separated like PATH, that the clean start is tried with.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from harness.probes import sandbox
from harness.probes.launch import CleanLauncher, WarmLauncher
from harness.probes.probe import Probe
from harness.probes.process import Processes
from harness.recording import RECORDER
from harness.traces.read import read_trace

OTHER_PYTHONS = [*filter(None, os.environ.get("HARNESS_TEST_PYTHONS", "").split(os.pathsep))]
ARGUMENTS = ["--name", "a value", ""]

SCRIPTS = {
    "thread": """
        import threading, time
        def late():
            time.sleep(0.3)
            print("late")
        threading.Thread(target=late).start()
        print("early")
    """,
    "daemon thread": """
        import threading, time
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        print("done")
    """,
    "daemon thread uses a global at the end": """
        import threading, time
        value = [1]
        def use():
            while value:
                pass
        threading.Thread(target=use, daemon=True).start()
        time.sleep(0.05)
    """,
    "thread starts a thread at the end": """
        import sys, threading, time
        def second():
            time.sleep(0.1)
            print("second")
        def first():
            time.sleep(0.1)
            if sys.version_info[:2] != (3, 12):  # which alone refuses it, where a probe does not
                threading.Thread(target=second).start()
        threading.Thread(target=first).start()
    """,
    "error in a thread": """
        import threading
        def fail(): raise ValueError("planted")
        thread = threading.Thread(target=fail, name="worker")
        thread.start()
        thread.join()
    """,
    "threading.excepthook": """
        import threading
        threading.excepthook = lambda args: print("hook", args.exc_type.__name__)
        def fail(): raise ValueError("planted")
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    """,
    "sys.exit in a thread": """
        import sys, threading
        thread = threading.Thread(target=sys.exit, args=(5,))
        thread.start()
        thread.join()
        print("goes on")
    """,
    "sys.exit while a thread runs": """
        import sys, threading, time
        def late():
            time.sleep(0.2)
            print("late")
        threading.Thread(target=late).start()
        sys.exit(4)
    """,
    "error while a thread runs": """
        import threading, time
        def late():
            time.sleep(0.2)
            print("late")
        threading.Thread(target=late).start()
        raise ValueError("planted")
    """,
    "open thread pool": """
        from concurrent.futures import ThreadPoolExecutor
        import time
        pool = ThreadPoolExecutor(2)
        def work(number):
            time.sleep(0.1)
            print("work\\n", end="")
        for number in range(4): pool.submit(work, number)
    """,
    "open process pool, fork": """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        if __name__ == "__main__":
            pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork"))
            print(list(pool.map(abs, range(-4, 0))))
    """,
    "open process pool, spawn": """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        def double(number): return 2 * number
        if __name__ == "__main__":
            pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
            print(list(pool.map(double, range(4))))
    """,
    "process pool still at work": """
        from concurrent.futures import ProcessPoolExecutor
        import time
        def work():
            time.sleep(0.3)
            print("worked", flush=True)
        if __name__ == "__main__":
            pool = ProcessPoolExecutor(1)
            pool.submit(work)
    """,
    "multiprocessing.Pool, fork": """
        import multiprocessing
        if __name__ == "__main__":
            pool = multiprocessing.get_context("fork").Pool(2)
            print(pool.map(abs, range(-4, 0)))
    """,
    "multiprocessing.Pool, spawn": """
        import multiprocessing
        class Item:
            def __init__(self, number): self.number = number
        def twice(item): return Item(2 * item.number)
        if __name__ == "__main__":
            pool = multiprocessing.get_context("spawn").Pool(1)
            print([item.number for item in pool.map(twice, [Item(1), Item(2)])])
    """,
    "process that is not joined": """
        import multiprocessing, time
        def work():
            time.sleep(0.2)
            print("worked", flush=True)
        if __name__ == "__main__":
            multiprocessing.get_context("fork").Process(target=work).start()
            print("main", flush=True)
    """,
    "daemon process": """
        import multiprocessing, time
        if __name__ == "__main__":
            multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,), daemon=True).start()
    """,
    "the interpreter of spawned processes": """
        import multiprocessing.spawn, os, sys
        spawned = os.fsdecode(multiprocessing.spawn.get_executable())
        print(spawned == sys.executable, spawned)
    """,
    "order of atexit": """
        import atexit, threading, time
        atexit.register(print, "registered first")
        atexit.register(print, "registered second")
        threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
        print("end of script")
    """,
    "error in atexit": """
        import atexit, sys
        def fail(): raise ValueError("planted")
        atexit.register(print, "still called")
        atexit.register(fail)
        sys.exit(3)
    """,
    "sys.exit in atexit": "import atexit, sys\ndef leave(): sys.exit(9)\natexit.register(leave)\n",
    "os._exit": "import os\nprint('said', flush=True)\nos._exit(7)\n",
    "os.abort": "import os\nos.abort()\n",
    **{
        f"sys.exit({value})": f"import sys\nsys.exit({value})\n"
        for value in ("", "0", "3", "None", "True", "False", "-1", "256", "257", "2**31", "2**40 + 3", "'text'", "(1, 2)", "2.5", "''")
    },
    "sys.exit(2**70)": """
        import os, sys
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Python 3.13 has a word to say about its own overflow
        sys.exit(2**70)
    """,
    "SystemExit's subclass": "class Leave(SystemExit): pass\nraise Leave(6)\n",
    "SystemExit's own code": "class Leave(SystemExit):\n    code = 11\nraise Leave(6)\n",
    "exit()": "exit(5)\n",
    "error": "def inner():\n    raise ValueError('planted')\ndef outer():\n    inner()\nouter()\n",
    "chained error": """
        def inner():
            try:
                1 / 0
            except ZeroDivisionError as error:
                raise ValueError("planted") from error
        try:
            inner()
        except ValueError:
            raise KeyError("second")
    """,
    "KeyboardInterrupt": "raise KeyboardInterrupt\n",
    "KeyboardInterrupt's subclass": "class Own(KeyboardInterrupt): pass\nraise Own\n",
    "GeneratorExit": "raise GeneratorExit\n",
    "BaseException": "raise BaseException('planted')\n",
    "failed import": "import nosuchmodule\n",
    "syntax error": "print('not reached')\ndef broken(:\n    pass\n",
    "no UTF-8": "# coding: latin-1\nprint(ascii('\xe9'))\n".encode("latin-1"),
    "BOM and no last newline": b"\xef\xbb\xbfprint('bom')",
    "deep recursion": "import sys\ndef down(): down()\ntry: down()\nexcept RecursionError as error: print(error)\n",
    "SIGTERM": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nimport time; time.sleep(5)\n",
    "SIGINT": "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)\n",
    "SIGINT handler": """
        import os, signal, time
        signal.signal(signal.SIGINT, lambda number, frame: print("handled", number))
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        print("goes on")
    """,
    "signal handlers": """
        import signal
        names = "SIGINT SIGTERM SIGPIPE SIGCHLD SIGHUP SIGUSR1 SIGALRM".split()
        print([str(signal.getsignal(getattr(signal, name))).split(" at ")[0] for name in names])
        print(signal.set_wakeup_fd(-1), sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
    """,
    "stdin": "import sys\nprint(repr(sys.stdin.read()), sys.stdin.isatty())\ninput()\n",
    "streams": """
        import sys
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            print(stream.name, stream.mode, stream.encoding, stream.errors, stream.fileno(), stream.line_buffering)
    """,
    "unflushed output": """
        import sys
        sys.stdout = open(1, "w", closefd=False)
        sys.stdout.write("no end of line")
    """,
    "output that cannot be flushed": """
        import sys
        class Full:
            def write(self, text): pass
            def flush(self): raise OSError("full")
        sys.stdout = Full()
    """,
    "output that cannot be flushed and sys.exit": """
        import os, sys
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what is said of it depends on Python's version
        sys.stdout = open("/dev/full", "w")
        sys.stdout.write("lost")
        sys.exit(3)
    """,
    "closed output": "import sys\nsys.stdout.close()\nsys.stderr.close()\n",
    "no output": "import sys\nsys.stdout = sys.stderr = None\nsys.exit('lost')\n",
    "output of atexit": """
        import atexit, sys
        sys.stdout = open(1, "w", closefd=False)
        atexit.register(sys.stdout.write, "from atexit")
    """,
    "__del__ at the end": """
        import os
        class Telling:
            def __del__(self): print("deleted", os.path.basename("a/b"), NAMES)
        NAMES = ["a"]
        telling = Telling()
        print("end of script")
    """,
    "__del__ in a list at the end": """
        class Telling:
            def __del__(self): print("deleted")
        def make(): return [Telling()]
        held = {"a": make()}
        print("end of script")
    """,
    "__del__ after an error": """
        class Telling:
            def __del__(self): print("deleted")
        def fail():
            held = Telling()
            raise ValueError("planted")
        fail()
    """,
    "sys.excepthook": """
        import sys
        sys.excepthook = lambda kind, error, trace: print("hook", kind.__name__, error, trace.tb_lineno, trace.tb_next)
        raise ValueError("planted")
    """,
    "sys.excepthook that exits": """
        import sys
        sys.excepthook = lambda *_: sys.exit(42)
        raise ValueError("planted")
    """,
    "sys.excepthook that fails": """
        import sys
        def hook(*_): raise KeyError("in the hook")
        sys.excepthook = hook
        raise ValueError("planted")
    """,
    "warnings": """
        import warnings
        def old(): warnings.warn("old", DeprecationWarning, stacklevel=2)
        warnings.warn("shown")
        old()
        old()
        warnings.warn("hidden", ImportWarning)
    """,
    "logging": "import logging\nlogging.warning('first')\nlogging.getLogger('a').error('second')\n",
    "subprocess": """
        import subprocess, sys
        print(subprocess.run([sys.executable, "-c", "import sys; print(sys.argv); sys.exit(3)"], stdout=subprocess.PIPE).stdout)
    """,
    "forked child that ends like the script": """
        import os, sys
        child = os.fork()
        if child:
            print("parent", os.waitpid(child, 0)[1], flush=True)
        else:
            print("child", flush=True)
    """,
    "forked child that fails": """
        import os
        child = os.fork()
        if not child:
            raise ValueError("in the child")
        print("parent", os.waitpid(child, 0)[1])
    """,
    "what the script is": """
        import os, sys
        main = sys.modules["__main__"]
        print(__name__, __file__, __spec__, __package__, __doc__, __cached__, __builtins__, type(__loader__).__name__)
        print(sorted(globals()), vars(main) is globals(), sys.argv, sys.argv[0] == __file__)
        print(sys.path[0], os.path.dirname(__file__) == sys.path[0], sys.executable, sys.prefix)
        print(getattr(sys, "orig_argv", [])[1:], sys.flags.interactive)
    """,
    "what is seen of it at the end": """
        import atexit, sys
        def look(): print(sorted(vars(sys.modules["__main__"])), value)
        value = 3
        atexit.register(look)
    """,
    "pickling": """
        import pickle
        class Own:
            def __eq__(self, other): return type(other) is Own
        print(pickle.loads(pickle.dumps(Own())) == Own(), pickle.dumps(Own, 0))
    """,
    "pickling at the end": """
        import atexit, pickle
        class Own: pass
        atexit.register(lambda: print(type(pickle.loads(pickle.dumps(Own()))) is Own))
    """,
    "source": "import inspect\ndef own(): return 1\nprint(inspect.getsource(own), inspect.getmodule(own))\n",
    "module beside the script": "import os\nopen(os.path.join(os.path.dirname(__file__), 'beside.py'), 'w').write('value = 4')\nimport beside\nprint(beside.value)\n",
    "generator with finally": """
        def steps():
            try:
                yield 1
            finally:
                print("finally")
        running = steps()
        next(running)
    """,
    "temporary folder": "import tempfile\nfolder = tempfile.TemporaryDirectory()\nprint('made')\n",
    "asyncio": "import asyncio\nasync def main():\n    await asyncio.sleep(0.01)\n    print('awaited')\nasyncio.run(main())\n",
}  # fmt: skip

FORKED_TRACES = {
    "recorder": """
        import os
        from harness_recorder import Recorder
        with Recorder() as recorder:
            recorder.begin()
            recorder.step(loss=1.0)
            child = os.fork()
            if child:
                os.waitpid(child, 0)
                recorder.step(loss=0.5)
    """,
    "script": """
        import os, warnings
        from harness_recorder import record
        record("loss", 1.0)
        warnings.warn("once")
        child = os.fork()
        if not child:
            raise ValueError("in the child")
        os.waitpid(child, 0)
        record("loss", 0.5)
    """,
}


class Here:
    """The tests' own Python, standing where an environment stands."""

    python = Path(sys.executable)
    seconds = 0.0

    def __init__(self, folder: Path) -> None:
        self.folder = Path(sys.prefix)
        (folder / "lib" / "python3" / "site-packages").mkdir(parents=True)


@pytest.fixture(scope="module")
def launchers(tmp_path_factory):
    """A clean start, and a warm one whose parent has loaded what many scripts load."""
    folder = tmp_path_factory.mktemp("warm")
    job = folder / "job.py"
    job.write_text(
        "import threading, multiprocessing.spawn, multiprocessing.pool, concurrent.futures, logging\n"
    )
    here = Here(folder)
    processes = Processes()
    warm = WarmLauncher(here, job, 1, processes)
    yield here, {"clean": CleanLauncher(processes), "warm": warm}
    warm.close()
    processes.close()


def write(folder, script):
    path = folder / "script.py"
    if isinstance(script, str):
        script = textwrap.dedent(script).encode()
    path.write_bytes(script)
    return path


def launch(launchers, start, path, folder):
    """Return the facts of the end, the output, and the trace."""
    here, both = launchers
    folder.mkdir()
    probe = Probe("lock", path, "digest", {}, command=("python", str(path), *ARGUMENTS), timeout=30)
    execution, output = both[start].launch(probe, here, folder)
    assert execution.start == start
    return execution, plain(output), read_trace(folder / "trace.jsonl")


def python(words, folder):
    """Run a command in the surroundings of a probe; return its end as of `Execution`, and its output."""
    folder.mkdir()
    done = subprocess.run(
        [*words, *ARGUMENTS],
        cwd=folder,
        env={**sandbox.variables(folder, threads=1, trace=folder / "trace.jsonl")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    code = done.returncode
    return ("signal" if code < 0 else "exit", abs(code)), plain(done.stdout)


def plain(output):
    """Return the text without addresses in memory, and without the marks under a line, which Python drops at its end."""
    text = re.sub("0x[0-9a-f]{6,}", "0x", output.decode(errors="replace"))
    return re.sub(r"^ +[~^]+\n", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs_and_ends_as_it_does_by_itself(launchers, tmp_path, name):
    path = write(tmp_path, SCRIPTS[name])
    end, output = python([sys.executable, path], tmp_path / "itself")
    for start in ("clean", "warm"):
        execution, text, _ = launch(launchers, start, path, tmp_path / start)
        assert (text, (execution.ended, execution.code)) == (output, end), start
    for number, interpreter in enumerate(OTHER_PYTHONS):
        itself = python([interpreter, path], tmp_path / f"itself-{number}")
        run = python([interpreter, RECORDER / "harness_run.py", path], tmp_path / f"run-{number}")
        assert run == itself, interpreter


def test_the_recorder_loads_little_that_a_script_could_have_forgotten_to_import(launchers, tmp_path):
    heavy = "ast copy dataclasses hashlib inspect logging platform tempfile threading traceback weakref"
    path = write(tmp_path, f"import sys\nprint(sorted(set({heavy.split()}) & set(sys.modules)))\n")
    _, itself = python([sys.executable, path], tmp_path / "itself")
    _, text, _ = launch(launchers, "clean", path, tmp_path / "clean")
    assert text == itself


@pytest.mark.parametrize("start", ["clean", "warm"])
@pytest.mark.parametrize("name", FORKED_TRACES)
def test_a_forked_child_leaves_the_trace_alone(launchers, tmp_path, name, start):
    _, _, trace = launch(launchers, start, write(tmp_path, FORKED_TRACES[name]), tmp_path / start)
    losses = trace.signal("loss")
    assert losses == [1.0, 0.5]
    assert trace.error is None
    assert trace.memory_peak is not None
    assert [warning["count"] for warning in trace.warnings] == [1] * (name == "script")


@pytest.mark.parametrize("start", ["clean", "warm"])
def test_spawned_processes_record_beside_each_other(launchers, tmp_path, start):
    script = """
        import multiprocessing
        from harness_recorder import record
        def work(number): record("value", number)
        if __name__ == "__main__":
            record("value", 0)
            for number in (1, 2):
                process = multiprocessing.get_context("spawn").Process(target=work, args=(number,))
                process.start()
                process.join()
    """
    _, output, trace = launch(launchers, start, write(tmp_path, script), tmp_path / start)
    assert trace.signal("value") == [0.0, 1.0, 2.0], output


def test_a_file_that_stays_open_is_written(launchers, tmp_path):
    path = write(
        tmp_path,
        "file = open('written.txt', 'w')\nfile.write('in the buffer')\nheld = [file]\nraise ValueError",
    )
    here, both = launchers
    for start, launcher in both.items():
        work, recorded = tmp_path / start, tmp_path / f"result-{start}"
        work.mkdir()
        recorded.mkdir()
        probe = Probe("lock", path, "digest", {}, command=("python", str(path)), folder=work, timeout=30)
        launcher.launch(probe, here, recorded)
        assert (work / "written.txt").read_text() == "in the buffer", start


@pytest.mark.parametrize("start", ["clean", "warm"])
@pytest.mark.parametrize(
    ("last", "ended"), [("os._exit(0)", "exit"), ("pool.submit(time.sleep, 300).result()", "timeout")]
)
def test_no_worker_of_a_pool_survives(launchers, tmp_path, start, last, ended):
    """Neither where nobody ends the pool, nor where its work takes too long."""
    script = f"""
        import os, time
        from concurrent.futures import ProcessPoolExecutor
        if __name__ == "__main__":
            pool = ProcessPoolExecutor(1)
            print(pool.submit(os.getpid).result(), flush=True)
            {last}
    """
    here, both = launchers
    path = write(tmp_path, script)
    folder = tmp_path / start
    folder.mkdir()
    probe = Probe("lock", path, "digest", {}, command=("python", str(path)), timeout=4)
    execution, output = both[start].launch(probe, here, folder)
    assert execution.ended == ended
    worker = int(output.split()[0])
    for _ in range(50):
        if not psutil.pid_exists(worker) or psutil.Process(worker).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the worker still runs")


def test_an_archive_is_executed_as_python_executes_it(launchers, tmp_path):
    folder = tmp_path / "application"
    folder.mkdir()
    (folder / "part.py").write_text("value = 3\n")
    (folder / "__main__.py").write_text(
        "import part, sys\nprint(part.value, sys.argv, __name__)\nsys.exit(2)\n"
    )
    end, output = python([sys.executable, folder], tmp_path / "itself")
    for start in ("clean", "warm"):
        execution, text, _ = launch(launchers, start, folder, tmp_path / start)
        assert (text, (execution.ended, execution.code)) == (output, end), start
