"""Started by world.py: runs each command of the harness that a line of stdin asks for in a child of its own.

A line is JSON: `words`, `folder`, `variables`, `output` (file), `seconds` (limit), and `signal` with `after` to send one
after so many seconds. The answer is a line of JSON: `code` (negative: ended by that signal) and `hung`. The children are
forked from a process that has loaded everything, so that a command costs no start-up and a thousand attacks fit into
minutes.
"""

import json
import os
import signal
import sys
import time

from harness.cli import main, parser

parser()  # loads the verbs
for name in ("bisect", "answer", "again", "stored", "axes"):
    __import__(f"harness.runs.{name}")
for name in (
    "harness.nightly.nightly",
    "harness.site.publish",
    "harness.report.page",
    "harness.probes.merge",
):
    __import__(name)
for name in (
    "harness.cli.answer",
    "harness.cli.progress",
    "harness.search.search",
    "pypi_simple",
    "requests",
):
    __import__(name)


def child(asked):
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["variables"])
    out = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = main(asked["words"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - what is not caught there is what is looked for
        import traceback

        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


for line in sys.stdin:
    asked = json.loads(line)
    pid = os.fork()
    if pid == 0:
        child(asked)
    began, ended, hung, sent = time.monotonic(), 0, False, False
    while not ended:
        ended, status = os.waitpid(pid, os.WNOHANG)
        now = time.monotonic() - began
        if not ended and asked.get("signal") and not sent and now > asked["after"]:
            os.kill(pid, asked["signal"])
            sent = True
        if not ended and now > asked["seconds"]:
            hung = True
            os.kill(pid, signal.SIGKILL)
            ended, status = os.waitpid(pid, 0)
        time.sleep(0.004)
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"code": code, "hung": hung, "sent": sent}), flush=True)
