"""The side of a parent of probes that forks: it reads requests, forks a child for each, and says how the child ended.

Standard library only, Python 3.8 or newer. There are two parents. `harness_clean` has loaded nothing, and each child
starts a program. `harness_warm` has loaded what all environments share, and each child is the probe. Requests are lines
of JSON on standard input, answers are lines of JSON to a file descriptor. When standard input ends, be it that the
harness is done or that SIGKILL took it, every child is ended with all that it started.

    request  {"id": 1, "output": path of a FIFO, "folder": path, "variables": {...},
              "confined": what `harness_isolation.confine` takes, and more that the parent's kind wants}
             {"id": 1, "end": true}
    answers  {"ready": seconds}  {"id": 1, "pid": 7}  {"id": 1, "refused": why}
             {"id": 1, "failed": [errno, why]}  {"id": 1, "status": wait status, "memory_peak": bytes or null}
"""

import contextlib
import json
import os
import resource
import selectors
import signal
import sys

from harness_isolation import Init, adopt_orphans, confine, end_with_parent

_OWN = 4 << 20
"""Bytes that a child takes besides what this process has, at most, until it starts a program."""


class Server:
    """Forks a child a request, and answers with its id and later with how it ended.

    Args:
        answers: File to write answers to.
        become: Called in the child with the request; it never returns.
        isolated: This process has entered namespaces (`harness_isolation.enter`), and its children get their own.
        refusal: Returns why no child may be forked now, or an empty string.
        starts_programs: A child starts a program, to which Linux counts the memory of this process (`exec_mmap` in
            fs/exec.c), so a peak below that is not known.
    """

    def __init__(self, answers, become, isolated, refusal=str, starts_programs=False):
        self.answers = answers
        self.become = become
        self.isolated = isolated
        self.refusal = refusal
        self.starts_programs = starts_programs
        self.children = {}

    def serve(self):
        """Answer requests until standard input ends; then end every child that still runs."""
        if not self.isolated:
            adopt_orphans()
        wake = wake_when_a_child_ends()
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
                    self.take(json.loads(line))
            self.reap()
        for pid in list(self.children):
            self.end(pid)
        if not self.isolated:
            end_strays(())

    def take(self, request):
        """Do what a request asks."""
        if "end" not in request:
            self.fork(request)
            return
        for pid, (number, _) in self.children.items():
            if number == request["id"]:
                self.end(pid)

    def end(self, pid):
        """End a child with all that it started."""
        _, init = self.children[pid]
        if init is not None:
            init.kill()
        else:
            kill_tree(pid)

    def fork(self, request):
        """Fork one child, or say why not."""
        refusal = self.refusal()
        if refusal:
            self.answer(id=request["id"], refused=refusal)
            return
        sys.stdout.flush()
        sys.stderr.flush()
        init = Init() if self.isolated else None
        try:
            if init is not None:
                init.begin()
            pid = os.fork()
        except OSError as error:
            self.answer(id=request["id"], failed=[error.errno, "no process can be started: %s" % error])
            if init is not None:
                init.rejoin()
                init.end()
            return
        if pid == 0:
            self.begin(request)
        if init is not None:
            init.rejoin()
        self.children[pid] = (request["id"], init)
        self.answer(id=request["id"], pid=pid)

    def begin(self, request):
        """Turn this forked child into a process of its own, confine it, and let it become the probe."""
        try:
            end_with_parent()
            wake_no_more()
            if self.starts_programs and not self.isolated:
                supervise()
            os.setsid()
            for _, init in self.children.values():
                if init is not None:
                    init.forget()
            output = os.open(request["output"], os.O_WRONLY)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
                score.write("500")  # when memory runs out, the probe goes and not its parent
            if not self.isolated:
                adopt_orphans()  # which then end with it, whatever session they are in
            confine(request["confined"])
            os.chdir(request["folder"])
            if not self.starts_programs:
                self.answers.close()
            self.become(request)
        except Exception as error:
            self.answer(id=request["id"], failed=[getattr(error, "errno", 0), str(error)])
        finally:
            os._exit(1)

    def reap(self):
        """Tell of every child that ended, and end what it left behind."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid not in self.children:
                continue
            number, init = self.children.pop(pid)
            if init is not None:
                init.end()
            else:
                end_strays(self.children)
            peak = usage.ru_maxrss * 1024
            known = not self.starts_programs or peak > resident() + _OWN
            self.answer(id=number, status=status, memory_peak=peak if known else None)

    def answer(self, **content):
        """Write one answer."""
        self.answers.write(json.dumps(content) + "\n")
        self.answers.flush()


def wake_when_a_child_ends():
    """Return a descriptor, of a pipe that never blocks, which can be read as soon as a child of this process has ended."""
    wake, woken = os.pipe()
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


def wake_no_more():
    """Undo in a forked child what `wake_when_a_child_ends` set in its parent."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def supervise():
    """Go on in a child; this process ends all that the child leaves behind, and then ends as the child did.

    A job may end its parent: it ends this process, and not the one that all probes have in common.
    """
    adopt_orphans()
    child = os.fork()
    if not child:
        end_with_parent()
        return
    _, status = os.waitpid(child, 0)
    end_strays(())
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):  # SIGKILL has no other
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def resident():
    """Return the bytes that this process has in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def kill(pid):
    """End a process with its group; it may be gone, or not be the leader of a group."""
    for end in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            end(pid, signal.SIGKILL)


def kill_tree(pid):
    """End a process with all that it started."""
    for member in [pid, *descendants(pid)]:
        kill(member)


def end_strays(known):
    """End the children of this process that it did not start: orphans of ended probes, and what these started."""
    strays = True
    while strays:
        strays = [pid for pid, parent in parents().items() if parent == os.getpid() and pid not in known]
        for pid in strays:
            kill_tree(pid)
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)


def descendants(*pids):
    """Return the ids of all processes that some processes, and what these started, started."""
    family, found = parents(), set(pids)
    while True:
        more = {one for one, parent in family.items() if parent in found} - found
        if not more:
            return found.difference(pids)
        found |= more


def parents():
    """Return {process: its parent} of all processes that can be seen."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open("/proc/%s/stat" % name) as file:
                found[int(name)] = int(file.read().rpartition(")")[2].split()[1])
    return found
