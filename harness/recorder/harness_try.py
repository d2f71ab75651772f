"""Says why a process cannot be confined on this machine: `python -I -S harness_try.py` prints {"why": ...}, empty if it can."""

import errno
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness_isolation import PARTS, Init, confine, enter


def why_not():
    """Return why a probe cannot be confined on this machine; empty if it can. The caller is forked."""
    try:
        enter()
        init = Init()
        init.begin()
    except OSError as error:
        full = error.errno == errno.ENOSPC  # which means no disk here
        return "%s: %s" % (
            error.filename,
            "the limit user.max_user_namespaces is reached" if full else error.strerror,
        )
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()
        if pid == 0:
            try:
                written = os.path.realpath(folder)
                copied = os.path.join(written, "copied")
                os.mkdir(copied)
                shown = [[written, "write"], [copied, "copy"]]
                plan = {
                    "holds": list(PARTS),
                    "hidden": [],
                    "temporary": folder,
                    "upper": folder,
                    "shown": shown,
                }
                confine(plan)
                for place in (written, copied):
                    open(os.path.join(place, "written"), "w").close()
            except BaseException as error:
                os.write(writing, str(error).encode())
            finally:
                os._exit(0)
        os.close(writing)
        init.rejoin()
        with open(reading) as said:
            why = said.read()
        os.waitpid(pid, 0)
        init.end()
    return why


if __name__ == "__main__":
    print(json.dumps({"why": why_not()}), flush=True)
    os._exit(0)
