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

PARTS = {"files": 0x00020000, "processes": 0x20000000, "network": 0x40000000, "ipc": 0x08000000}
"""{what may hold: the flag of its namespace} (sched.h)."""
LARGEST_FILE = 64 << 30
"""Bytes of the largest file that a job may write."""
MOST_PROCESSES = 4096
"""Processes and threads of a job together."""

_NEW_USER, _NEW_PROCESSES = 0x10000000, PARTS["processes"]
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 1 << 18
_NO_SETUID, _NO_DEVICES, _NO_PROGRAMS = 2, 4, 8
_MOUNT_SETATTR = 442  # the same number on every architecture
_DEATH_SIGNAL, _BOUNDING_DROP, _SUBREAPER, _NO_NEW_PRIVILEGES, _AMBIENT = 1, 24, 36, 38, 47
_AMBIENT_RAISE, _SYS_ADMIN = 2, 21
_CAPABILITIES_3 = 0x20080522  # version of the structure, with two words of each set
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_GPUS = ("nvidia", "kfd", "dri", "dxg", "accel", "davinci", "hisi_hdc", "devmm_svm")  # how their names begin
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")]


def enter():
    """Go on in a user namespace and a namespace of processes in which others can be made; the caller is forked once.

    What goes on is the first process there, so its end ends all of it. Programs that it starts keep one right of the
    user namespace. That right protects the init of a probe: a job has none, and so may not look into a process that has.

    Raises:
        OSError: The kernel forbids it.
    """
    user, group = os.geteuid(), os.getegid()
    _unshare(_NEW_USER | PARTS["processes"])
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
    _set_capabilities(1 << _SYS_ADMIN, keep=True)
    _check(_libc.prctl(_AMBIENT, _AMBIENT_RAISE, _SYS_ADMIN, 0, 0), "ambient capability")


def _wait_for(pid):
    """Hold nothing open, wait for a child, and end as it did."""
    os.closerange(0, 3)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(3, min(limit, 1 << 16))
    _, status = os.waitpid(pid, 0)
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)


def seclude(writable, network):
    """Give a parent that entered no network, and let it and its children write into few folders alone.

    It is for what a warm parent loads. Children arrange their own files anew.

    Args:
        writable: Folders; those that are not there are left out.
        network: Whether it gets a network of its own; without, it and its children keep the machine's.

    Raises:
        OSError: The kernel forbids it.
    """
    _unshare(PARTS["files"] | PARTS["ipc"] | (PARTS["network"] if network else 0))
    if network:
        _raise_loopback()
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _set("/", only_read=True, recursive=True)
    for path in ("/proc", *filter(os.path.isdir, writable)):
        _mount(path, path, None, _BIND | _RECURSIVE)
        _set(path, only_read=False)


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
        _unshare(_NEW_PROCESSES)
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
            _check(_libc.setns(own, _NEW_PROCESSES), "own namespace of processes")
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
        plan: {"holds": names of `PARTS`, "memory": bytes or None, and, for files, what `_arrange_files` takes}.

    Raises:
        OSError: The kernel forbids it.
    """
    holds = plan["holds"]
    flags = 0
    for part in set(holds) - {"processes"}:  # this process was born in its own of these
        flags |= PARTS[part]
    if flags:
        _unshare(flags)
    if "network" in holds:
        _raise_loopback()
    if "files" in holds:
        _arrange_files(plan)
    if holds:
        _drop_capabilities()
    _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    limit(plan.get("memory"), processes=bool(holds))


def end_with_parent():
    """Let the kernel end this process when its parent ends."""
    _libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def adopt_orphans():
    """Become the parent of every descendant whose own parent ends, so that none is lost from sight."""
    _libc.prctl(_SUBREAPER, 1, 0, 0, 0)


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


def _arrange_files(plan):
    """Make all files read-only, hide what is private, and show what the plan names.

    Args:
        plan: {"hidden": folders that become empty, "temporary": folder that becomes /tmp, "upper": folder for what is
            written to copies, "shown": [[path, "read", "write" or "copy"], ...]}. All of them exist.
    """
    hidden = [(path, "hide") for path in plan["hidden"]]
    temporary = [(path, "temporary") for path in ("/tmp", "/var/tmp") if os.path.isdir(path)]  # noqa: S108
    shown = [(path, how) for path, how in plan["shown"]]
    places = sorted([*hidden, *temporary, *shown], key=lambda place: place[0].rstrip("/").count("/"))
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    sources = [_open(plan["temporary"] if how == "temporary" else path) for path, how in places]
    devices = [(path, _open(path)) for path in _device_files()]
    uppers = _uppers(plan["upper"]) if "copy" in [how for _, how in shown] else []
    _set("/", only_read=True, recursive=True)
    for upper in uppers:
        _set(_of(upper), only_read=False)
    for (path, how), source in zip(places, sources):
        _put(path, how, source, uppers)
    _arrange_devices(devices, plan.get("memory"))
    _mount("proc", "/proc", "proc", _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS)
    for path in set(plan["hidden"]) - {path for path, _ in shown}:
        _set(path, only_read=True)
    for descriptor in (*uppers, *sources, *(source for _, source in devices)):
        os.close(descriptor)


def _put(path, how, source, uppers):
    """Lay something over a path, which is made if what lies above it was hidden."""
    if not os.path.exists(path):
        is_folder = os.path.isdir(_of(source))
        os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)
        if not is_folder:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    if how == "hide":
        _mount("tmpfs", path, "tmpfs", _NO_SETUID | _NO_DEVICES, "mode=755,size=16m")
        return
    if how == "copy":
        for upper in uppers:
            layers = "lowerdir={0},upperdir={1}/files,workdir={1}/work,userxattr".format(
                _of(source), _of(upper)
            )
            with contextlib.suppress(OSError):  # not every file system can be the upper layer
                _mount("overlay", path, "overlay", 0, layers)
                return
    _mount(_of(source), path, None, _BIND | _RECURSIVE)
    _set(path, only_read=how not in {"write", "temporary"})


def _uppers(folder):
    """Return two folders, one on the disk and one in memory, that may hold what is written to a copy."""
    _mount(folder, folder, None, _BIND)
    on_disk = _open(folder)
    _mount("tmpfs", folder, "tmpfs", _NO_SETUID | _NO_DEVICES)
    in_memory = _open(folder)
    for upper in (on_disk, in_memory):
        for name in ("files", "work"):
            os.makedirs(os.path.join(_of(upper), name), exist_ok=True)
    return [on_disk, in_memory]


def _device_files():
    """Return the device files that a job gets: those that every program needs, and the GPUs."""
    return [
        "/dev/" + name for name in sorted(os.listdir("/dev")) if name in _DEVICES or name.startswith(_GPUS)
    ]


def _arrange_devices(devices, memory):
    """Make a /dev of its own, with its own terminals and shared memory."""
    _mount("tmpfs", "/dev", "tmpfs", _NO_SETUID, "mode=755,size=1m")
    for path, source in devices:
        if os.path.isdir(_of(source)):
            os.mkdir(path)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        _mount(_of(source), path, None, _BIND | _RECURSIVE)
        _set(path, only_read=False)
    for name, target in _LINKS.items():
        os.symlink(target, "/dev/" + name)
    os.mkdir("/dev/shm")  # noqa: S108
    size = "mode=1777" if memory is None else "mode=1777,size=%d" % memory
    _mount("tmpfs", "/dev/shm", "tmpfs", _NO_SETUID | _NO_DEVICES, size)  # noqa: S108
    os.mkdir("/dev/pts")
    _mount("devpts", "/dev/pts", "devpts", _NO_SETUID | _NO_PROGRAMS, "newinstance,ptmxmode=0666,mode=620")


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
    while _libc.prctl(_BOUNDING_DROP, number, 0, 0, 0) == 0:
        number += 1
    _set_capabilities(0)


def _set_capabilities(inheritable, keep=False):
    """Set what programs inherit; without `keep` this process itself loses everything."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
    data = (ctypes.c_uint32 * 6)()
    if keep:
        _check(_libc.capget(header, data), "capabilities")
    for word in (0, 1):
        data[3 * word + 2] = inheritable >> (32 * word) & 0xFFFFFFFF
    _check(_libc.capset(header, data), "capabilities")


def _open(path):
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _of(descriptor):
    return "/proc/self/fd/%d" % descriptor


def _unshare(flags):
    _check(_libc.unshare(flags), "user namespaces" if flags & _NEW_USER else "namespaces")


def _mount(source, target, kind, flags, options=None):
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    _check(_libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]), "mount on " + target)


def _set(path, only_read, recursive=False):
    """Set whether what is mounted on a path can be written to."""
    attributes = _Attributes(1, 0, 0, 0) if only_read else _Attributes(0, 1, 0, 0)
    at_recursive = 0x8000 if recursive else 0
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    done = _libc.syscall(
        _MOUNT_SETATTR, -100, os.fsencode(path), at_recursive, ctypes.byref(attributes), size
    )
    _check(done, "read-only mount of " + path)


def _check(result, what):
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def why_not():
    """Return why a probe cannot be confined on this machine; empty if it can. The caller is forked."""
    import tempfile

    try:
        enter()
        init = Init()
        init.begin()
    except OSError as error:
        return "%s: %s" % (error.filename, error.strerror)
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()
        if pid == 0:
            try:
                shown = [[os.path.realpath(folder), "write"]]
                plan = {
                    "holds": list(PARTS),
                    "hidden": [],
                    "temporary": folder,
                    "upper": folder,
                    "shown": shown,
                }
                confine(plan)
                open(os.path.join(folder, "written"), "w").close()
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
    import json

    print(json.dumps({"why": why_not()}), flush=True)
    os._exit(0)
