"""Starts the ranks of one probe, watches them, and writes down how each ended: torch's own conventions, no script between.

Standard library only, Python 3.8 or newer. A probe of several ranks is one process tree: this process is its first one,
and every rank is a child of it that gets RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as `torchrun` sets
them. The variable HARNESS_RANKS holds what the harness asks, as JSON:

    {"count": ranks, "port": MASTER_PORT or 0 for a free one, "facts": path, "limit": seconds until the tree is ended,
     "idle": seconds without any work of all ranks after which they hang; null where nobody can tell}

What a rank prints is printed here, each line behind `[rank0]: `. The facts are lines of JSON, one a rank that ended and
then one of the tree:

    {"rank": 1, "status": exit status or -signal, "at": seconds, "ended_by": "" or "harness", "stack": text or ""}
    {"tree": "done" | "hang" | "late", "seconds": seconds}

A rank that fails gives the others `_GRACE` seconds to end by themselves, which says what the failure did to them. Where
all stand still for too long, they hang. A rank that the harness ends is asked for its stack before, by `STACK_SIGNAL`,
which `harness_recorder.ranks` answers whatever the rank waits for; HARNESS_STACK says where to.

    python -I -S harness_ranks.py PROGRAM [ARGUMENTS]
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness_isolation import end_with_parent
from harness_serve import descendants, end_strays, kill_tree, wake_no_more, wake_when_a_child_ends

STACK_SIGNAL = signal.SIGRTMAX - 3
"""Asks a rank for its stack; Linux and Python use none of these numbers."""
ASKED = "HARNESS_RANKS"

_GRACE = 10.0  # seconds that the others get to end by themselves once a rank has failed
_TERMINATED = 3.0  # seconds between SIGTERM and SIGKILL
_KILLED = 60.0  # seconds within which the kernel ends what got SIGKILL
_TICK = 1.0  # seconds between two looks at what the ranks do
_BUSY = 0.06  # share of a second of CPU time from which a process works; the threads of gloo wake up for less
_LONGEST_LINE = 65536
_LONGEST_STACK = 8000


class Rank:
    """One rank: its process, and what it prints.

    Attributes:
        status: Exit status or -signal; None while it runs.
        ended_by: `harness` if it was ended from here.
        at: Seconds from the start to its end.
    """

    def __init__(self, number, pid, reading):
        self.number, self.pid, self.reading = number, pid, reading
        self.status, self.ended_by, self.at, self.stack = None, "", None, ""
        self.pending = b""

    def forward(self):
        """Print what the rank has printed; return whether there may be more."""
        try:
            chunk = os.read(self.reading, 65536)
        except BlockingIOError:
            return True
        except OSError:
            chunk = b""
        *lines, self.pending = (self.pending + chunk).split(b"\n")
        if self.pending and (not chunk or len(self.pending) > _LONGEST_LINE):
            lines.append(self.pending)
            self.pending = b""
        if lines:
            write(b"".join(b"[rank%d]: %s\n" % (self.number, line) for line in lines))
        return bool(chunk)


class Ranks:
    """Runs all ranks to their end.

    Args:
        asked: What HARNESS_RANKS holds.
        become: Called in each child, with its variables set; it never returns.
    """

    def __init__(self, asked, become):
        self.asked = asked
        self.become = become
        self.ranks = []
        self.started = time.monotonic()
        self.tree = "done"
        self.watch = Watch(asked["idle"])

    def run(self):
        """Start the ranks, wait for all of them, and write the facts."""
        port = self.asked["port"] or free_port()
        wake = wake_when_a_child_ends()
        waiting = selectors.DefaultSelector()
        waiting.register(wake, selectors.EVENT_READ)
        for number in range(self.asked["count"]):
            self.start(number, port)
            waiting.register(self.ranks[-1].reading, selectors.EVENT_READ, self.ranks[-1])
        while self.running():
            for key, _ in waiting.select(_TICK):
                if key.data is None:
                    with contextlib.suppress(BlockingIOError):
                        os.read(wake, 4096)
                elif not key.data.forward():
                    waiting.unregister(key.fd)
            self.reap()
            why = self.why_end()
            if why:
                self.end(why)
        for rank in self.ranks:
            while rank.forward() and self.readable(rank):
                pass
        self.tell()

    def running(self):
        """Return the ranks that run."""
        return [rank for rank in self.ranks if rank.status is None]

    def why_end(self):
        """Return why the ranks that run are to be ended now, as the facts call it; empty if they are not."""
        now, running = time.monotonic(), self.running()
        if not running:
            return ""
        if now - self.started > self.asked["limit"]:
            return "late"
        failed = [rank.at for rank in self.ranks if rank.status]
        if failed and now - self.started - min(failed) > _GRACE:
            return "done"
        return "hang" if self.watch.stands_still([rank.pid for rank in running]) else ""

    def start(self, number, port):
        """Fork one rank, with the variables that torch's launchers set."""
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                end_with_parent()
                wake_no_more()
                os.dup2(writing, 1)
                os.dup2(writing, 2)
                os.closerange(3, max(writing, reading) + 1)
                variables = {
                    "RANK": number,
                    "LOCAL_RANK": number,
                    "WORLD_SIZE": self.asked["count"],
                    "LOCAL_WORLD_SIZE": self.asked["count"],
                    "GROUP_RANK": 0,
                    "MASTER_ADDR": "127.0.0.1",
                    "MASTER_PORT": port,
                    "HARNESS_STACK": "%d %s" % (STACK_SIGNAL, stack_path(self.asked["facts"], number)),
                }
                self.become({name: str(value) for name, value in variables.items()})
            except BaseException as error:
                os.write(2, ("rank %d cannot be started: %s\n" % (number, error)).encode())
            finally:
                os._exit(127)
        os.close(writing)
        os.set_blocking(reading, False)
        self.ranks.append(Rank(number, pid, reading))

    def reap(self):
        """Note which ranks have ended, and how."""
        for rank in self.ranks:
            if rank.status is None:
                pid, status = os.waitpid(rank.pid, os.WNOHANG)
                if pid:
                    rank.status = exit_code(status)
                    rank.at = time.monotonic() - self.started

    def end(self, why):
        """End the ranks that still run, after a look at where they are."""
        self.tree = why
        running = self.running()
        for rank in running:
            rank.ended_by = "harness"
            rank.stack = stack_of(stack_path(self.asked["facts"], rank.number), rank.pid)
        for rank in running:
            with contextlib.suppress(OSError):
                os.kill(rank.pid, signal.SIGTERM)
        self.wait(_TERMINATED)
        for rank in self.running():
            kill_tree(rank.pid)
        self.wait(_KILLED)

    def wait(self, seconds):
        """Wait so long, at most, until no rank runs."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and (running := self.running()):
            for rank in running:
                rank.forward()
            self.reap()
            time.sleep(0.02)

    def readable(self, rank):
        """Tell whether more of an ended rank's output is there: a process that it left may hold the pipe open."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(rank.reading, selectors.EVENT_READ)
            return bool(waiting.select(0))

    def tell(self):
        """Write the facts, whole or not at all."""
        facts = [
            {
                "rank": rank.number,
                "status": rank.status,
                "at": rank.at,
                "ended_by": rank.ended_by,
                "stack": rank.stack,
            }
            for rank in self.ranks
        ]
        facts.append({"tree": self.tree, "seconds": time.monotonic() - self.started})
        path = self.asked["facts"]
        with open(path + ".tmp", "w") as file:
            file.write("".join(json.dumps(fact) + "\n" for fact in facts))
        os.replace(path + ".tmp", path)


class Watch:
    """Sees when all ranks stand still: none of their processes works, waits for a disk, or waits for its turn on a core.

    Threads beside the main one wake up now and then, as those of gloo, and may have to wait for a core then. So they count
    by the time that they use alone.

    Args:
        limit: Seconds of that after which they hang; None: they never do.
    """

    def __init__(self, limit):
        self.limit = limit
        self.since = self.looked = time.monotonic()
        self.used = {}

    def stands_still(self, pids):
        """Look again, at most once a second; return whether the limit is reached."""
        now = time.monotonic()
        if self.limit is None or now - self.looked < _TICK:
            return False
        passed, self.looked = now - self.looked, now
        used, works = {}, False
        for process in {*pids, *descendants(*pids)}:
            used[process], waits = activity(process)
            works = works or waits or used[process] - self.used.get(process, 0.0) > _BUSY * passed
        self.used = used
        if works:
            self.since = now
        return now - self.since > self.limit


def activity(pid):
    """Return the seconds of CPU time of a process, and whether its main thread wants a core or waits for a disk."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0, False
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), fields[0] in "RD"


def stack_path(facts, number):
    """Return the file into which a rank writes its stack when it is asked for it."""
    return "%s.stack%d" % (facts, number)


def stack_of(path, pid):
    """Ask a rank for its stack; return it, or nothing where the rank does not listen."""
    try:
        size = os.stat(path).st_size
        os.kill(pid, STACK_SIGNAL)
        limit = time.monotonic() + 2.0
        while time.monotonic() < limit:
            time.sleep(0.1)
            last, size = size, os.stat(path).st_size
            if size == last > 0:
                break
        with open(path, errors="replace") as file:
            return file.read(_LONGEST_STACK)
    except OSError:  # it did not get so far that it listens, and the signal would have ended it
        return ""


def free_port():
    """Return a port of the loopback interface that nobody uses now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def exit_code(status):
    """Return the exit status of a wait status, or -signal."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def write(content):
    """Print bytes, all of them."""
    while content:
        content = content[os.write(1, content) :]


def run(become):
    """Run the ranks that HARNESS_RANKS asks for, then end this process; the ranks see nothing of that variable."""
    ranks = Ranks(json.loads(os.environ.pop(ASKED)), become)
    code = 1
    try:
        ranks.run()
        end_strays(())
        code = 0
    finally:
        os._exit(code)


def main():
    """Start a program a rank."""
    command = sys.argv[1:]

    def become(variables):
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and what it starts would
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], command, {**os.environ, **variables})  # noqa: S606 - without a shell, as it should be

    run(become)


if __name__ == "__main__":
    main()
