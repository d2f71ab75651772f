"""A warm parent: loads what all environments share once, then forks a child for each probe.

Runs inside an environment, started by `harness.probes.parent`; standard library only, Python 3.8 or newer.
`harness_serve` tells the protocol; a request has {"layer": site-packages, "python": path, "prefix": path,
"arguments": [job, ...]} besides. A child puts its own release's layer in place of the parent's, takes over its output,
arguments, variables and folder, and runs the job as `__main__`, as a fresh interpreter would. The parent itself never
runs a job, never imports the package under test, and refuses to fork once a GPU's driver is open or a second thread
runs, since a forked child would inherit half of either.

    python harness_warm.py ANSWERS ISOLATED JOB LAYER [MODULE ...]

Args:
    ANSWERS: File descriptor to write answers to.
    ISOLATED: 1 if `harness_secluded` started it and probes get namespaces of their own, else 0.
    JOB: Script whose import statements say what to load.
    LAYER: The parent's own layer.
    MODULE: Modules of the package under test.
"""

import ast
import contextlib
import functools
import gc
import importlib
import os
import sys
import threading
import time
import traceback

import harness_ranks
from harness_run import run_as_main
from harness_serve import Server

BEGUN = {"torch": "torch._dynamo"}
"""{library: what the first steps of a job make it load}; torch does with the first optimizer, 0.7 s in each child."""
DRIVERS = ("/dev/nvidia-uvm", "/dev/kfd")  # what CUDA and ROCm hold open once initialised; NVML opens neither


def preload(job, package_modules):
    """Execute the job's own import statements, those of the package under test and of the recorder left out.

    What these libraries load later by themselves is loaded too.
    """
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
    for library, module in BEGUN.items():
        if library in sys.modules:
            with contextlib.suppress(Exception):  # torch before 2.0 has none
                importlib.import_module(module)


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


def become(layer, request):
    """Turn this forked child into the process that a fresh interpreter would be, and run the job to its end.

    Of several ranks it becomes the process that forks them.
    """
    os.environ.clear()
    os.environ.update(request["variables"])
    if harness_ranks.ASKED in os.environ:
        harness_ranks.run(functools.partial(become_rank, layer, request))
    begin(layer, request)


def become_rank(layer, request, variables):
    """Turn a forked rank into the process that a fresh interpreter would be."""
    os.environ.update(variables)
    begin(layer, request)


def begin(layer, request):
    """Run the job to its end in this process, as a fresh interpreter would."""
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


def main():
    """Load, say that it is ready, and serve."""
    started = time.monotonic()
    descriptor, isolated, job, layer = int(sys.argv[1]), sys.argv[2] == "1", sys.argv[3], sys.argv[4]
    package_modules = sys.argv[5:]
    answers = os.fdopen(descriptor, "w")
    os.set_inheritable(descriptor, False)
    preload(job, package_modules)
    gc.collect()
    gc.freeze()  # else every child walks, and so copies, a million objects that it will never free: 0.2 s each
    refusal = functools.partial(why_not, package_modules)
    server = Server(answers, functools.partial(become, layer), isolated, refusal)
    server.answer(ready=time.monotonic() - started)
    server.serve()


if __name__ == "__main__":
    main()
