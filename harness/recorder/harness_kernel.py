"""Calls of the Linux kernel that Python has no function for, each with its error as an OSError.

Standard library only, Python 3.8 or newer. mount(2), mount_setattr(2) of Linux 5.12, unshare(2), prctl(2).
"""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)

BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 1 << 18
NO_SETUID, NO_DEVICES, NO_PROGRAMS = 2, 4, 8
NEW_USER = 0x10000000

_MOUNT_SETATTR = 442  # the same number on every architecture


class _Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")]


def unshare(flags):
    """Leave namespaces of the parent process."""
    check(libc.unshare(flags), "user namespaces" if flags & NEW_USER else "namespaces")


def mount(source, target, kind, flags, options=None):
    """Mount something; None stands for what a kind of mount does not need."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    check(libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]), "mount on " + target)


def set_read_only(path, read_only, recursive=False):
    """Set whether what is mounted on a path can be written to."""
    attributes = _Attributes(1, 0, 0, 0) if read_only else _Attributes(0, 1, 0, 0)
    at_recursive = 0x8000 if recursive else 0
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    done = libc.syscall(_MOUNT_SETATTR, -100, os.fsencode(path), at_recursive, ctypes.byref(attributes), size)
    check(done, "read-only mount of " + path)


def check(result, what):
    """Raise the error that a call left, if it failed."""
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
