"""The files that a confined process sees: all read-only, what is private hidden, and what its plan names.

Standard library only, Python 3.8 or newer. overlayfs in a user namespace needs Linux 5.11.
"""

import contextlib
import errno
import os

from harness_kernel import (
    BIND,
    NO_DEVICES,
    NO_PROGRAMS,
    NO_SETUID,
    PRIVATE,
    RECURSIVE,
    mount,
    set_read_only,
)

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_GPUS = ("nvidia", "kfd", "dri", "dxg", "accel", "davinci", "hisi_hdc", "devmm_svm")  # how their names begin
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}


def arrange_files(plan):
    """Make all files read-only, hide what is private, and show what the plan names.

    Args:
        plan: {"hidden": folders that become empty, "temporary": folder that becomes /tmp, "upper": folder for what is
            written to copies, "shown": [[path, "read", "write" or "copy"], ...]}. All of them exist, and none that is
            hidden is shown.
    """
    hidden = [(path, "hide") for path in plan["hidden"]]
    temporary = [(path, "temporary") for path in ("/tmp", "/var/tmp") if os.path.isdir(path)]  # noqa: S108
    shown = [(path, how) for path, how in plan["shown"]]
    places = sorted([*hidden, *temporary, *shown], key=lambda place: place[0].rstrip("/").count("/"))
    mount(None, "/", None, RECURSIVE | PRIVATE)
    sources = [_open(plan["temporary"] if how == "temporary" else path) for path, how in places]
    devices = [(path, _open(path)) for path in _device_files()]
    uppers = _uppers(plan["upper"]) if "copy" in [how for _, how in shown] else []
    set_read_only("/", read_only=True, recursive=True)
    for upper in uppers:
        set_read_only(_of(upper), read_only=False)
    _arrange_devices(devices, plan.get("memory"))  # first, for what is shown may lie in /dev/shm
    for (path, how), source in zip(places, sources):
        _put(path, how, source, uppers)
    mount("proc", "/proc", "proc", NO_SETUID | NO_DEVICES | NO_PROGRAMS)
    for path in plan["hidden"]:
        set_read_only(path, read_only=True)
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
        mount("tmpfs", path, "tmpfs", NO_SETUID | NO_DEVICES, "mode=755,size=16m")
        return
    if how == "copy":
        for upper in uppers:
            layers = "lowerdir={0},upperdir={1}/files,workdir={1}/work,userxattr".format(
                _of(source), _of(upper)
            )
            with contextlib.suppress(OSError):  # not every file system can be the upper layer
                mount("overlay", path, "overlay", 0, layers)
                return
        raise OSError(errno.EOPNOTSUPP, "overlayfs makes no copy of it", path)
    mount(_of(source), path, None, BIND | RECURSIVE)
    if how == "read":
        set_read_only(path, read_only=True)
        return
    with contextlib.suppress(PermissionError):  # what the machine mounts read-only stays so
        set_read_only(path, read_only=False)


def _uppers(folder):
    """Return two folders, one on the disk and one in memory, that may hold what is written to a copy."""
    mount(folder, folder, None, BIND)
    set_read_only(folder, read_only=False)  # a warm parent has made all files read-only
    on_disk = _open(folder)
    mount("tmpfs", folder, "tmpfs", NO_SETUID | NO_DEVICES)
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
    mount("tmpfs", "/dev", "tmpfs", NO_SETUID, "mode=755,size=1m")
    for path, source in devices:
        if os.path.isdir(_of(source)):
            os.mkdir(path)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        mount(_of(source), path, None, BIND | RECURSIVE)
        set_read_only(path, read_only=False)
    for name, target in _LINKS.items():
        os.symlink(target, "/dev/" + name)
    os.mkdir("/dev/shm")  # noqa: S108
    size = "mode=1777" if memory is None else "mode=1777,size=%d" % memory
    mount("tmpfs", "/dev/shm", "tmpfs", NO_SETUID | NO_DEVICES, size)  # noqa: S108
    os.mkdir("/dev/pts")
    mount("devpts", "/dev/pts", "devpts", NO_SETUID | NO_PROGRAMS, "newinstance,ptmxmode=0666,mode=620")


def _open(path):
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _of(descriptor):
    return "/proc/self/fd/%d" % descriptor
