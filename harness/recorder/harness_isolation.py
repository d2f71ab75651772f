"""Puts a process into namespaces of its own: files, processes, network, and what processes share (IPC).

Standard library only, Python 3.8 or newer: a warm parent runs it with the Python of an environment, a clean one with
the harness's own. It makes the system calls that bubblewrap makes. Bubblewrap itself starts a program, and a warm child
is a fork. The calls: user_namespaces(7), pid_namespaces(7), mount_setattr(2) of Linux 5.12, overlayfs in a user
namespace of Linux 5.11, prctl(2), capabilities(7).

A parent of probes enters a user namespace once (`enter`). For each probe it makes a namespace of processes with an init
(`Init`) and forks, so that a large parent is forked once a probe; the child makes the other namespaces (`confine`).
"""

import contextlib
import ctypes
import os
import resource
import signal

from harness_files import arrange_files
from harness_kernel import (
    BIND,
    NEW_USER,
    NO_DEVICES,
    NO_PROGRAMS,
    NO_SETUID,
    PRIVATE,
    RECURSIVE,
    check,
    libc,
    mount,
    set_read_only,
    unshare,
)

PARTS = {"files": 0x00020000, "processes": 0x20000000, "network": 0x40000000, "ipc": 0x08000000}
"""{what may hold: the flag of its namespace} (sched.h)."""
LARGEST_FILE = 64 << 30
"""Bytes of the largest file that a job may write."""
MOST_PROCESSES = 4096
"""Processes and threads of a job together."""

_NEW_PROCESSES = PARTS["processes"]
_DEATH_SIGNAL, _BOUNDING_DROP, _SUBREAPER, _NO_NEW_PRIVILEGES, _AMBIENT = 1, 24, 36, 38, 47
_AMBIENT_RAISE = 2
_CAPABILITIES_3 = 0x20080522  # version of the structure, with two words of each set


def enter():
    """Go on in a user namespace and a namespace of processes in which others can be made; the caller is forked once.

    What goes on is the first process there, so its end ends all of it. Programs that it starts keep the rights of the
    user namespace. They protect the init of a probe: a job has none, and so may not look into a process that has.

    Raises:
        OSError: The kernel forbids it.
    """
    user, group = os.geteuid(), os.getegid()
    unshare(NEW_USER | PARTS["processes"])
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", "%d %d 1" % (user, user)),
        ("gid_map", "%d %d 1" % (group, group)),
    ):
        with open("/proc/self/" + name, "w") as file:
            file.write(content)
    inner = os.fork()
    if inner:
        _wait_for(inner)
    end_with_parent()
    _set_capabilities((1 << 64) - 1, keep=True)
    number = 0
    while libc.prctl(_AMBIENT, _AMBIENT_RAISE, number, 0, 0) == 0:
        number += 1


def _wait_for(pid):
    """Hold nothing open, wait for a child, and end as it did."""
    os.closerange(0, 3)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(3, min(limit, 1 << 16))
    _, status = os.waitpid(pid, 0)
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)


def seclude(writable, network):
    """Give a process that entered no network, and let it and its children write into few folders alone.

    It is for a warm parent and what it loads. Its children arrange their own files anew.

    Args:
        writable: Folders; those that are not there are left out.
        network: Whether it gets a network of its own; without, it and its children keep the machine's.

    Raises:
        OSError: The kernel forbids it.
    """
    unshare(PARTS["files"] | PARTS["ipc"] | (PARTS["network"] if network else 0))
    if network:
        _raise_loopback()
    mount(None, "/", None, RECURSIVE | PRIVATE)
    set_read_only("/", read_only=True, recursive=True)
    # Its number there is the one that it has for itself: the driver of a GPU does not open where the two differ.
    with contextlib.suppress(OSError):  # forbidden where a part of the machine's is covered, as in containers
        mount("proc", "/proc", "proc", NO_SETUID | NO_DEVICES | NO_PROGRAMS)
    for path in ("/proc", *filter(os.path.isdir, writable)):
        mount(path, path, None, BIND | RECURSIVE)
        set_read_only(path, read_only=False)


class Init:
    """The first process of a new namespace of processes: all others of it end with it.

    From `begin` to `rejoin` the children of this process are born there. It ends when this process ends.
    """

    _PROGRAM = ("/bin/sh", "-c", "trap '' CHLD; exec cat")  # takes in orphans, and reads until its input ends

    def __init__(self):
        self.pid = 0
        self._input = -1

    def begin(self):
        """Make the namespace and its init."""
        unshare(_NEW_PROCESSES)
        reading, self._input = os.pipe()
        nothing = os.open(os.devnull, os.O_WRONLY)
        files = [(os.POSIX_SPAWN_DUP2, reading, 0), (os.POSIX_SPAWN_DUP2, nothing, 1)]
        files += [(os.POSIX_SPAWN_DUP2, nothing, 2)]
        self.pid = os.posix_spawn(self._PROGRAM[0], self._PROGRAM, {"PATH": os.defpath}, file_actions=files)
        os.close(reading)
        os.close(nothing)

    def rejoin(self):
        """Let the children of this process be born in its own namespace again."""
        own = os.open("/proc/self/ns/pid", os.O_RDONLY)
        try:
            check(libc.setns(own, _NEW_PROCESSES), "own namespace of processes")
        finally:
            os.close(own)

    def kill(self):
        """Let it end, and with it every process of its namespace."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self):
        """End it, with every process of its namespace, and wait until all are gone."""
        self.forget()
        self.kill()
        with contextlib.suppress(OSError):
            os.waitpid(self.pid, 0)

    def forget(self):
        """Let go of it, as a child of this process that is none of its namespace must."""
        os.close(self._input)


def confine(plan):
    """Confine this process, the child of a parent that entered a user namespace, as a plan says.

    Args:
        plan: {"holds": names of `PARTS`, "memory": bytes or None, and, for files, what `arrange_files` takes}.

    Raises:
        OSError: The kernel forbids it.
    """
    holds = plan["holds"]
    flags = 0
    for part in set(holds) - {"processes"}:  # this process was born in its own of these
        flags |= PARTS[part]
    if flags:
        unshare(flags)
    if "network" in holds:
        _raise_loopback()
    if "files" in holds:
        arrange_files(plan)
    if holds:
        _drop_capabilities()
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    limit(plan.get("memory"), processes=bool(holds))


def end_with_parent():
    """Let the kernel end this process when its parent ends."""
    libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def adopt_orphans():
    """Become the parent of every descendant whose own parent ends, so that none is lost from sight."""
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)


def limit(memory, processes):
    """Limit what this process and each of its descendants may take.

    Args:
        memory: Bytes of data (RLIMIT_DATA) of a process; None for no limit.
        processes: Whether their number is limited: only in a user namespace are others of the user not counted.
    """
    wanted = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: LARGEST_FILE}
    if memory is not None:
        wanted[resource.RLIMIT_DATA] = memory
    if processes:
        wanted[resource.RLIMIT_NPROC] = MOST_PROCESSES
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


def _raise_loopback():
    """Bring up the loopback interface of a new network namespace."""
    import fcntl  # a parent that needs none of these starts sooner
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = bytearray(struct.pack("16sH22x", b"lo", 0))
        fcntl.ioctl(handle, 0x8913, request)  # SIOCGIFFLAGS
        flags = struct.unpack_from("H", request, 16)[0] | 1  # IFF_UP
        fcntl.ioctl(handle, 0x8914, struct.pack("16sH22x", b"lo", flags))  # SIOCSIFFLAGS


def _drop_capabilities():
    """Give up every right of the user namespace, for programs that are started too."""
    number = 0
    while libc.prctl(_BOUNDING_DROP, number, 0, 0, 0) == 0:
        number += 1
    _set_capabilities(0)


def _set_capabilities(inheritable, keep=False):
    """Set what programs inherit; without `keep` this process itself loses everything."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
    data = (ctypes.c_uint32 * 6)()
    if keep:
        check(libc.capget(header, data), "capabilities")
    for word in (0, 1):
        data[3 * word + 2] = inheritable >> (32 * word) & 0xFFFFFFFF
    check(libc.capset(header, data), "capabilities")
