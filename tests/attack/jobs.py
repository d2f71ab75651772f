"""Jobs that do harm: to their environment, their parents, their traces, the terminal. Only their own release may suffer."""

from __future__ import annotations

from world import ASK, RELEASES

HARM = {
    "kills its parent": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n",
    "kills its group": "import os, signal\nos.killpg(0, signal.SIGKILL)\n",
    "stops itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n",
    "changes helper": "import helper\nopen(helper.__file__, 'a').write('\\nSCALE = 0.0\\n')\n",
    "adds sitecustomize": (
        "import helper, pathlib\n"
        "(pathlib.Path(helper.__file__).parent.parent / 'sitecustomize.py').write_text('raise SystemExit(9)')\n"
    ),
    "removes helper": "import helper, shutil, pathlib\nshutil.rmtree(pathlib.Path(helper.__file__).parent)\n",
    "speaks to the terminal": "print('\\x1b]0;title\\x07\\x1b[2J\\u202egnp.exe\\x9b31m')\nraise ValueError('\\x1b[31m\\x07\\u202e')\n",
    "odd bytes": "import os\nos.write(1, bytes(range(256)) * 50)\n",
    "much output": "print('x' * 5_000_000)\n",
    "leaves children": (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import os, time; os.setsid(); os.fork() and os._exit(0); time.sleep(30)'])\n"
    ),
    "closes its files": "import os\nos.closerange(0, 100)\n",
    "ends at once": "import os\nos._exit(0)\n",
    "odd exit": "import sys\nsys.exit(1 << 20)\n",
    "forges a trace": (
        "import os\npath = os.environ.get('HARNESS_TRACE')\n"
        "open(path, 'w').write('[' * 100000) if path else None\n"
    ),
    "long exception": "raise RuntimeError('y' * 1_000_000)\n",
    "odd exception": "class E(Exception):\n    def __str__(self): raise KeyboardInterrupt\nraise E\n",
    "removes its folder": "import os, shutil\nshutil.rmtree(os.environ['HOME'], ignore_errors=True)\n",
    "deep recursion": "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()\n",
    "threads that do not end": "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n",
}
"""{what a release does as it is imported: its code}; its own verdict may be any."""


def job(world, moments):
    """Let one release do harm; all others are judged as ever, now and afterwards."""
    world.again(answered=moments.random() < 0.3)
    n = moments.randrange(RELEASES)
    name = moments.choice(list(HARM))
    world.plant(n, HARM[name] + world.code(n))
    done = world.run(ASK[0], "--timeout", f"{world.patience:.0f}", *ASK[1:])
    wrong = world.wrong(done, {f"1.{n}": {"good", "bad"}}, ends={0, 3})
    if wrong:
        return f"1.{n} {name}: {wrong}"
    world.plant(n, world.code(n))
    for lock in world.home.glob("locks/*.txt"):
        lock.unlink()  # the index has another file of the same name now
    wrong = world.exact(world.run(*ASK))
    return f"after 1.{n} {name}: {wrong}" if wrong else ""


def probe(world, moments):
    """Execute one harmful release by itself: an exit status of `probe`, and nothing acts on the terminal."""
    world.again(answered=False)
    n = moments.randrange(RELEASES)
    name = moments.choice(list(HARM))
    world.plant(n, HARM[name] + world.code(n))
    timeout = ("--timeout", f"{world.patience:.0f}")
    words = ("probe", "--package", "toy", *timeout, "--release", f"1.{n}", "--", "python", "repro.py")
    done = world.run(*words)
    wrong = world.wrong(done, ends={0, 1, 125})
    return f"probe of 1.{n} that {name}: {wrong}" if wrong else ""


ATTACKS = {"job": job, "probe": probe}
