"""A clean parent: it has loaded nothing, and starts a program of its own for each probe.

Standard library only, Python 3.8 or newer. `harness_serve` tells the protocol; a request has {"command": words} besides.

    python -I -S harness_clean.py ANSWERS ISOLATED

Args:
    ANSWERS: File descriptor to write answers to.
    ISOLATED: 1 if probes get namespaces of their own, else 0.
"""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness_isolation import enter
from harness_serve import Server


def become(request):
    """Start the program in place of this forked child."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and what it starts would
        signal.signal(number, signal.SIG_DFL)
    command, variables = request["command"], request["variables"]
    os.environ["PATH"] = variables.get("PATH", os.defpath)
    os.execvpe(command[0], command, variables)  # noqa: S606 - without a shell, as it should be


def main():
    """Say that it is ready, and serve."""
    started = time.monotonic()
    answers = os.fdopen(int(sys.argv[1]), "w")
    os.set_inheritable(int(sys.argv[1]), False)
    isolated = sys.argv[2] == "1"
    if isolated:
        enter()
    server = Server(answers, become, isolated, starts_programs=True)
    server.answer(ready=time.monotonic() - started)
    server.serve()


if __name__ == "__main__":
    main()
