"""A small process that outlives the harness for a moment: it ends the probes of one that was killed.

    python reaper.py

It is told on standard input which process groups run (`+7`) and which are over (`-7`). When that pipe closes, be it
that the harness is done or that SIGKILL took it, the groups that are left are ended. A group is ended with all that
a probe started, which a signal at the parent's death (PR_SET_PDEATHSIG) would not do; that one also goes by the
thread that started a process, and threads end before probes do.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Listen until the pipe closes, then end what is left."""
    running: set[int] = set()
    for line in sys.stdin:
        change, pid = line[0], int(line[1:])
        (running.add if change == "+" else running.discard)(pid)
    for pid in running:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
