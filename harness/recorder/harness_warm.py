"""A warm parent: loads what all environments share once, then forks a child for each probe.

Runs inside an environment, started by `harness.probes.warm`; standard library only, Python 3.8 or newer. It reads
one JSON request a line from standard input and writes JSON answers to the file descriptor named on its command
line. A child puts its own release's layer in place of the parent's, takes over its output, arguments, variables
and folder, and runs the job as `__main__`, as a fresh interpreter would. The parent itself never runs a job, never
imports the package under test, and refuses to fork once a GPU's driver is open or a second thread runs, since a
forked child would inherit half of either.

    request  {"id": 1, "layer": site-packages, "python": path, "prefix": path, "arguments": [job, ...],
              "variables": {...}, "folder": path, "output": path of a FIFO}
    answers  {"ready": seconds}  {"id": 1, "pid": 7}  {"id": 1, "refused": why}
             {"id": 1, "status": wait status, "memory_peak": bytes}
"""

import ast
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import sys
import threading
import time
import traceback

from harness_run import run_as_main

DRIVERS = ("/dev/nvidia-uvm", "/dev/kfd")  # what CUDA and ROCm hold open once initialised; NVML opens neither


def preload(job, package_modules):
    """Execute the job's own import statements, those of the package under test and of the recorder left out."""
    with open(job, encoding="utf-8") as source:
        tree = ast.parse(source.read(), job)
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom) and not statement.level:
            names = [statement.module or ""]
        else:
            continue
        tops = {name.split(".")[0] for name in names}
        if tops & ({"harness_recorder"} | set(package_modules)):
            continue
        try:
            exec(compile(ast.Module([statement], []), job, "exec"), {})
        except Exception:  # the job will say it better itself
            traceback.print_exc()


def why_not(package_modules):
    """Return why no child may be forked now, or an empty string."""
    loaded = sorted(set(package_modules) & set(sys.modules))
    if loaded:
        return "%s is loaded by the shared libraries themselves" % loaded[0]
    drivers = open_drivers()
    if drivers:
        return (
            "the shared libraries initialised a GPU (%s is open), which no forked child can use" % drivers[0]
        )
    try:
        threads = len(os.listdir("/proc/self/task"))
    except OSError:
        threads = threading.active_count()
    return "%d threads run" % threads if threads > 1 else ""


def open_drivers():
    """Return the device files that this process holds open because a GPU's driver is initialised.

    `torch.cuda.is_initialized` does not tell: counting devices may initialise the driver without torch's saying so.
    """
    found = []
    with contextlib.suppress(OSError):
        for descriptor in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                path = os.readlink("/proc/self/fd/" + descriptor)
                if path.startswith(DRIVERS):
                    found.append(path)
    return found


def become(request, layer):
    """Turn this forked child into the process that a fresh interpreter would be, and run the job to its end."""
    os.setsid()
    output = os.open(request["output"], os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")  # when memory runs out, the probe goes and not its parent
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["variables"])
    sys.path[:] = [request["layer"] if entry == layer else entry for entry in sys.path]
    sys.executable, sys.prefix, sys.exec_prefix = request["python"], request["prefix"], request["prefix"]
    importlib.invalidate_caches()
    spawn = sys.modules.get("multiprocessing.spawn")
    if spawn is not None:  # it keeps the interpreter that was there when it was loaded
        spawn.set_executable(sys.executable)
    draw_anew()
    run_as_main(request["arguments"])


def draw_anew():
    """Seed what a library seeds from the system's entropy as it is loaded, else all children draw the same numbers.

    Python itself does so in every forked child for `random`, and for the names of temporary files. What else holds
    entropy nobody can know: the harness compares children with clean processes for that reason.
    """
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        with contextlib.suppress(Exception):
            numpy_random.seed()


def end_group(pid):
    """End a child with all that it started; it may be gone, or not yet the leader of its group."""
    for end in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            end(pid, signal.SIGKILL)


class Server:
    """Forks a child a request, and answers with its id and later with how it ended."""

    def __init__(self, answers, package_modules, layer):
        self.answers = answers
        self.package_modules = package_modules
        self.layer = layer
        self.children = {}

    def serve(self):
        """Answer requests until standard input ends; then end every child that still runs."""
        wake, woken = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        waiting = selectors.DefaultSelector()
        waiting.register(0, selectors.EVENT_READ)
        waiting.register(wake, selectors.EVENT_READ)
        pending = b""
        while True:
            ready = {key.fd for key, _ in waiting.select()}
            if wake in ready:
                os.read(wake, 4096)
            if 0 in ready:
                chunk = os.read(0, 65536)
                if not chunk:
                    break
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self.fork(json.loads(line))
            self.reap()
        for pid in self.children:
            end_group(pid)

    def fork(self, request):
        """Fork one child, or say why not."""
        refusal = why_not(self.package_modules)
        if refusal:
            self.answer(id=request["id"], refused=refusal)
            return
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self.answers.close()
            become(request, self.layer)
        self.children[pid] = request["id"]
        self.answer(id=request["id"], pid=pid)

    def reap(self):
        """Tell of every child that ended."""
        while self.children:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if not pid:
                return
            self.answer(id=self.children.pop(pid), status=status, memory_peak=usage.ru_maxrss * 1024)

    def answer(self, **content):
        """Write one answer."""
        self.answers.write(json.dumps(content) + "\n")
        self.answers.flush()


def main():
    """Load, say that it is ready, and serve."""
    started = time.monotonic()
    descriptor, job, layer = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    package_modules = sys.argv[4:]
    answers = os.fdopen(descriptor, "w")
    os.set_inheritable(descriptor, False)
    preload(job, package_modules)
    gc.collect()
    gc.freeze()  # else every child walks, and so copies, a million objects that it will never free: 0.2 s each
    answers.write(json.dumps({"ready": time.monotonic() - started}) + "\n")
    answers.flush()
    Server(answers, package_modules, layer).serve()


if __name__ == "__main__":
    main()
