"""Starts processes as forks of one that has imported what they need: a command then costs half as much.

There are two kinds: commands of the harness, and scripts of another environment, whose Python has torch.

A fork is a process of its own, with its own working folder, environment and streams.
What an interpreter reads when it starts, a fork cannot take: such a process gets an interpreter.

Protocol, over a connection for each command: the client sends {"words", "cwd", "env"} as JSON with the descriptors of
the three streams; the server sends the pid, then the status as os.waitpid gives it, each as a line.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

READ_AT_START = ("PYTHON", "LC_", "LANG", "TZ", "MPL", "OPENBLAS_", "OMP_", "MALLOC_")
"""How names of variables begin that an interpreter, or a library that is being imported, reads once."""
_MOST = 1 << 20  # bytes of a request


class Commands:
    """Starts processes of one kind; one for each process of the tests.

    Args:
        python: The interpreter.
        imported: Modules that scripts need, whose path is a process's first word. Without them, the words are a
            command of the harness.
    """

    def __init__(self, python=sys.executable, imported=()):
        self._start = [str(python), *(() if imported else ("-m", "harness"))]
        self._folder = tempfile.TemporaryDirectory(prefix="commands-")
        self._address = str(Path(self._folder.name) / "socket")
        self._own = _read_at_start(os.environ)
        self._server = subprocess.Popen(
            [python, __file__, self._address, *imported], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        if self._server.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{python} could not import {', '.join(imported) or 'the harness'}")

    def run(self, words, *, cwd=None, env=None, timeout=600.0):
        """Return what `subprocess.run` does for a process with these words: texts and the status."""
        variables = dict(os.environ if env is None else env)
        if _read_at_start(variables) != self._own:
            command = [*self._start, *words]
            return subprocess.run(
                command, check=False, capture_output=True, text=True, cwd=cwd, env=variables, timeout=timeout
            )
        with contextlib.ExitStack() as stack:
            nothing = stack.enter_context(Path(os.devnull).open("rb"))
            output, errors = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
            connection = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            connection.settimeout(timeout)
            connection.connect(self._address)
            asked = {"words": words, "cwd": str(cwd or Path.cwd()), "env": variables}
            descriptors = [nothing.fileno(), output.fileno(), errors.fileno()]
            socket.send_fds(connection, [json.dumps(asked).encode()], descriptors)
            pid = int(connection.recv(64))
            try:
                status = int(connection.recv(64))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(words, timeout) from None
            texts = []
            for file in (output, errors):
                file.seek(0)
                texts.append(file.read().decode())
        return subprocess.CompletedProcess(words, os.waitstatus_to_exitcode(status), *texts)

    def close(self):
        """End the server."""
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()
        self._folder.cleanup()


def _read_at_start(variables):
    """Return what a fork cannot take; it does take PYTHONPATH, by itself."""
    return {
        name: value
        for name, value in variables.items()
        if name.startswith(READ_AT_START) and name != "PYTHONPATH"
    }


def _import_all():
    """Import what a command may import; what is in no environment but those of probes is left out.

    A command imports `pypi_simple` when it asks an index: that takes longer than all the rest of a small one.
    """
    import harness

    importlib.import_module("pypi_simple")

    for module in pkgutil.walk_packages(harness.__path__, "harness."):
        if (
            not module.name.startswith(("harness.recorder", "harness.executors."))
            and "template" not in module.name
        ):
            importlib.import_module(module.name)


def _compile_templates():
    """Compile the templates of a report's page, which each command would do for itself."""
    from harness.report.render import environment

    for name in environment().list_templates(extensions=["j2"]):
        environment().get_template(name)


def _serve(address):
    """Answer until the input ends; returns the words of what this process, a fork, is to execute, and its folder."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(address)
    server.listen()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([server, sys.stdin], [], [])
        if server not in ready:
            sys.exit(0)
        connection, _ = server.accept()
        if os.fork():
            connection.close()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        server.close()
        message, streams, _, _ = socket.recv_fds(connection, _MOST, 3)
        child = os.fork()
        if child:
            connection.send(b"%d" % child)
            connection.send(b"%d" % os.waitpid(child, 0)[1])
            os._exit(0)
        connection.close()
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
            os.close(stream)
        asked = json.loads(message)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.path[1:1] = filter(None, asked["env"].get("PYTHONPATH", "").split(os.pathsep))
        return asked["words"], asked["cwd"]


def _main(address, *imported):
    if imported:
        for name in imported:
            importlib.import_module(name)
    else:
        _import_all()
        _compile_templates()
    gc.collect()
    gc.freeze()
    words, folder = _serve(address)
    try:
        if imported:
            sys.argv = words
            sys.path[0] = str(Path(words[0]).parent)
            runpy.run_path(words[0], run_name="__main__")
            sys.exit(0)
        sys.argv[1:] = words
        sys.path[0] = folder
        sys.exit(importlib.import_module("harness.cli").main())
    except SystemExit as end:
        if isinstance(end.code, int | None):
            _leave(end.code or 0)
        raise


def _leave(status):
    """End as an interpreter ends, but without taking its modules apart: a fork would copy all their memory for that."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


if __name__ == "__main__":
    _main(*sys.argv[1:])
