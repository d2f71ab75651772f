"""Why a program that the harness drives failed: the release is the reason, or the machine is.

A release is called the reason only on positive evidence. Whatever is not recognised counts as the machine's, because a
release that is skipped for the machine's sake widens a boundary, or hides one.
"""

from __future__ import annotations

import errno
import os
import re
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.errors import MachineError

if TYPE_CHECKING:
    from pathlib import Path


class Failure(StrEnum):
    """What a failure is caused by; the first five are properties of a release."""

    CONFLICT = "its requirements conflict"
    BUILD = "its build fails"
    FILE = "its file is not what its name says"
    REFUSED = "the index refuses its file"
    UNSUITABLE = "it has no file for this platform"
    DISK = "no disk space"
    MEMORY = "no memory"
    PERMISSION = "not permitted"
    KILLED = "killed"
    INDEX = "the package index cannot be reached or does not answer"
    CERTIFICATE = "a certificate is refused"
    INTERPRETER = "there is no such interpreter"
    UNKNOWN = "not recognised"

    @property
    def of_release(self) -> bool:
        """Whether a release is the reason; a refused file is, where the index serves other files."""
        return self in _OF_RELEASE

    @property
    def again(self) -> int:
        """How many times the same command is tried once more before the failure counts."""
        return _AGAIN.get(self, 1)


_OF_RELEASE = {Failure.CONFLICT, Failure.BUILD, Failure.FILE, Failure.REFUSED, Failure.UNSUITABLE}
_AGAIN = {
    Failure.CONFLICT: 0,  # the resolver's answer is a proof
    Failure.REFUSED: 0,  # uv has tried again by itself, and has waited as the index asked
    Failure.UNSUITABLE: 0,
    Failure.INTERPRETER: 0,
    Failure.KILLED: 2,
}

_COMPILER = (
    r"Killed signal terminated program|internal compiler error: Killed|unable to execute command: Killed|"
    r"(?:terminated with|died due to) signal 9\b|out of memory allocating|LLVM ERROR: out of memory"
)
"""What gcc, ld, clang, nvcc and LLVM say where a process of theirs was killed, or got no memory."""
_ANYWHERE = (
    (Failure.DISK, r"No space left on device|os error 28\b|Disk quota exceeded|os error 122\b"),
    (Failure.MEMORY, r"Cannot allocate memory|os error 12\b|\bMemoryError\b|\bsignal: 9\b|\bSIGKILL\b"),
    (Failure.MEMORY, _COMPILER),
)
"""Signs that count in the output of a build, too."""

_OWN = (
    (Failure.PERMISSION, r"Read-only file system|os error 30\b|Permission denied|os error 13\b"),
    (Failure.PERMISSION, r"Operation not permitted \(os error 1\)"),
    (Failure.MEMORY, r"Too many open files|os error 2[34]\b|Resource temporarily unavailable|os error 11\b"),
    (Failure.DISK, r"Input/output error|os error 5\b|Stale file handle|os error 116\b"),
    (
        Failure.CERTIFICATE,
        r"invalid peer certificate|UnknownIssuer|certificate verify failed|CertificateError",
    ),
)
"""Signs that count in what uv itself says."""

_NETWORK = (
    r"error sending request|Could not connect|dns error|timed out|tcp connect error|Connection re(?:fused|set)|"
    r"client error \(|Failed to fetch|error decoding response|connection closed|Request failed after"
)
_STATUS = re.compile(r"HTTP status \w+ error \((\d{3})[^)]*\) for url \((\S+?)\)")
_FILES = (".whl", ".metadata", ".tar.gz", ".zip", ".tar.bz2", ".tgz")
_INDEX_HINT = re.compile(r"An index .*(?:returned a|could not be queried)", re.IGNORECASE)
_BROKEN = (
    r"Hash mismatch|does not match filename|malformed wheel|does not match given|Failed to extract archive|"
    r"Invalid zip|invalid package format|Failed to read metadata|Failed to parse metadata|Metadata field|"
    r"Couldn't parse metadata|Failed to install: .*\.whl"
)


def classify(code: int, said: str) -> Failure | None:
    """Return why a uv command failed; None if it did not.

    Args:
        code: Exit status; negative for a signal.
        said: All that it wrote to standard error, hints included.
    """
    if code == 0:
        return None
    if code < 0:
        return Failure.KILLED
    own = re.split(r"^\s*\[std(?:out|err)\]", said, maxsplit=1, flags=re.MULTILINE)[0]
    own, said = " ".join(own.split()), " ".join(said.split())  # uv wraps its lines at the terminal's width
    for failure, sign in _ANYWHERE:
        if re.search(sign, said, re.IGNORECASE):
            return failure
    for failure, sign in _OWN:
        if re.search(sign, own, re.IGNORECASE):
            return failure
    status = _STATUS.search(own)
    if status:
        return Failure.REFUSED if urlsplit(status[2]).path.endswith(_FILES) else Failure.INDEX
    return _by_words(said, own)


def _by_words(said: str, own: str) -> Failure:
    if "was not found in the package registry" in own and _INDEX_HINT.search(said):
        return Failure.INDEX
    for failure, sign in (
        (Failure.CONFLICT, r"No solution found when resolving"),
        (Failure.INDEX, _NETWORK),
        (Failure.BUILD, r"Failed to build|build backend returned an error"),
        (Failure.UNSUITABLE, r"doesn't have a source distribution or wheel|no wheels? with a matching"),
        (Failure.FILE, _BROKEN),
        (Failure.INTERPRETER, r"No interpreter found"),
    ):
        if re.search(sign, own, re.IGNORECASE):
            return failure
    return Failure.UNKNOWN


def refused_file(said: str) -> str:
    """Return the address of the file that an index refused; empty if there is none."""
    status = _STATUS.search(said)
    return status[2] if status else ""


_AFTERWARDS = "what was executed is stored: run the same command again"
_REMEDY = {
    Failure.DISK: "free disk space where the state directory, the temporary files and uv's cache lie",
    Failure.MEMORY: "free memory, or run fewer probes at a time (--jobs 1)",
    Failure.PERMISSION: "let this user write to the state directory, the temporary folder and uv's cache (UV_CACHE_DIR)",
    Failure.KILLED: "look why programs are killed here, as they are when memory runs out",
    Failure.INDEX: "check the network and the index in your pip or uv settings",
    Failure.REFUSED: "check the network and the index in your pip or uv settings",
    Failure.CERTIFICATE: "check the certificates (PIP_CERT, SSL_CERT_FILE) that this machine trusts",
    Failure.INTERPRETER: "install the interpreter",
    Failure.UNKNOWN: "look at what it said",
}


def machine_error(failure: Failure, doing: str, said: str) -> MachineError:
    """Return the error for a failure that says nothing of a release.

    Args:
        failure: Why.
        doing: What was being done, as `toy==1.2 was resolved`.
        said: The program's own words; may be empty.
    """
    remedy = _REMEDY.get(failure, _REMEDY[Failure.UNKNOWN])
    return MachineError(
        f"{failure.value} while {doing} ({said or 'it said nothing'}): {remedy}; {_AFTERWARDS}"
    )


_OF_ERRNO = {
    errno.ENOSPC: Failure.DISK,
    errno.EDQUOT: Failure.DISK,
    errno.EIO: Failure.DISK,
    errno.EROFS: Failure.PERMISSION,
    errno.EACCES: Failure.PERMISSION,
    errno.EPERM: Failure.PERMISSION,
    errno.ENOMEM: Failure.MEMORY,
    errno.EMFILE: Failure.MEMORY,
    errno.ENFILE: Failure.MEMORY,
    errno.EAGAIN: Failure.MEMORY,
}


def os_error_text(error: OSError) -> str:
    """Return what the operating system said, and of which file."""
    return f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")


def advice(error: OSError) -> str:
    """Return what to do about an error of the operating system; empty where nothing general can be said."""
    failure = _OF_ERRNO.get(error.errno or 0)
    return f"{_REMEDY[failure]}; {_AFTERWARDS}" if failure else ""


def of_os_error(error: OSError, doing: str) -> MachineError:
    """Return the error for what the operating system refused the harness itself."""
    said = os_error_text(error)
    return machine_error(_OF_ERRNO.get(error.errno or 0, Failure.UNKNOWN), doing, said)


_SPACE = 16 * 1024
"""Bytes that must be left after a probe for what it recorded to be whole."""


def check_space(folder: Path) -> None:
    """Complain if the file system of a folder is full, so that what was written there may be cut off.

    Raises:
        MachineError: There is no space.
    """
    facts = os.statvfs(folder)
    if facts.f_blocks and facts.f_bavail * facts.f_frsize < _SPACE:
        said = f"{facts.f_bavail * facts.f_frsize} bytes are left in {folder.parent}"
        raise machine_error(Failure.DISK, "a probe was executed", said)
