"""Started by test_killed.py: runs each night that a line of stdin asks for in a child of its own, and may kill it.

A line is `folder home day seconds`: SIGKILL after so many seconds, never with 0. The answer is `killed`, or the
night's exit status. The children are forked, so that a night needs no start-up and many of them can be killed.
"""

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from simulated import Silent

from harness.nightly.config import load_config
from harness.nightly.nightly import nightly
from harness.state import State


def night(folder, state, day):
    os.chdir(folder)
    os.environ["HARNESS_HOME"] = state
    started = datetime.fromisoformat(day).replace(tzinfo=UTC)
    os._exit(nightly(load_config(Path("nightly.toml")), State.find(), Silent(), started).code)


for line in sys.stdin:
    folder, state, day, seconds = line.split()
    child = os.fork()
    if child == 0:
        os.setsid()
        night(folder, state, day)
    deadline = time.monotonic() + float(seconds)
    ended = 0
    while not ended and (float(seconds) == 0 or time.monotonic() < deadline):
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.002)
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status) if ended else "killed", flush=True)
