"""Reads requirements.txt whose lines pin with `==`, and what `pip freeze` prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

from harness.snapshots.snapshot import Gathered, Kind, Reason, Snapshot, UnreadableError, marker_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMENT = re.compile(r"(^|\s)#.*$")
_HASH = re.compile(r"\s--hash[= ](\S+)")
_EDITABLE = re.compile(r"^(?:-e|--editable)[ =]\s*(.+)$")
_NESTED = re.compile(r"^(?:-r|--requirement)[ =]?\s*(.+)$")
_URL = re.compile(r"^(?:[a-z]+\+)?[a-z]+://", re.IGNORECASE)
_OPTION = re.compile(r"\s--(?:config-settings?|global-option|install-option|no-binary|only-binary)\b.*$")

_NO_ENVIRONMENT = (
    "a list with ranges is no environment. Give what `pip freeze` prints in the environment, or a date "
    "(such as 2026-06-01) for these requirements as the index stood then"
)


def read_requirements(text: str, source: str, python: str | None = None) -> Snapshot:
    """Read it.

    Args:
        text: The file.
        source: Its path; further files that it names are looked for beside it.
        python: Version of Python whose markers hold; of the one that runs by default.

    Raises:
        UnreadableError: A line is no requirement, or allows more than one version.
    """
    gathered = Gathered()
    _gather(text, Path(source), marker_environment(python), gathered, (Path(source),))
    return gathered.snapshot(Kind.REQUIREMENTS, source)


def add_requirement(line: str, environment: Mapping[str, str], gathered: Gathered) -> None:
    """Take in one line without comment and continuation.

    Raises:
        UnreadableError: The line is no requirement, or allows more than one version.
    """
    if editable := _EDITABLE.match(line):
        text = editable[1].strip()
        gathered.block(
            _egg(text), Reason.REPOSITORY if "+" in text.split("://")[0] else Reason.EDITABLE, text
        )
    elif line.startswith("-"):
        gathered.ignored.append(line)
    elif _URL.match(line):
        _add_url(_egg(line), line, gathered)
    elif _is_path(line):
        path = _HASH.sub("", line).strip()
        gathered.block(_name_of_file(path), Reason.LOCAL_PATH, path, *_version_of_file(path))
    else:
        _add_named(line, environment, gathered)


def _gather(
    text: str, path: Path, environment: Mapping[str, str], gathered: Gathered, open_files: tuple[Path, ...]
) -> None:
    for number, line in _lines(text):
        try:
            nested = _NESTED.match(line)
            if nested is None:
                add_requirement(line, environment, gathered)
            else:
                other = path.parent / nested[1].strip()
                _gather(_text_of(other, open_files), other, environment, gathered, (*open_files, other))
        except UnreadableError as error:
            where = f"line {number}: " if path == open_files[0] else f"{path.name}, line {number}: "
            raise UnreadableError(f"{where}{error}", certain=error.certain) from None


def _text_of(path: Path, open_files: tuple[Path, ...]) -> str:
    if path in open_files:
        raise UnreadableError(f"{path.name} includes itself", certain=True)
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(f"it includes {path}, which cannot be read ({error})", certain=True) from None


def _lines(text: str) -> list[tuple[int, str]]:
    """Return the logical lines with the number of their first physical one, without comments, as pip joins them."""
    found: list[tuple[int, str]] = []
    joined, first = "", 0
    for number, physical in enumerate(text.splitlines(), 1):
        line = physical.rstrip()
        comment = line.lstrip().startswith("#")
        if not joined:
            first = number
        if line.endswith("\\") and not comment:
            joined += f"{line[:-1]} "
            continue
        if not comment:
            joined += line
        elif joined:
            continue  # a comment between two continued lines
        if stripped := _COMMENT.sub("", joined).strip():
            found.append((first, stripped))
        joined = ""
    if stripped := _COMMENT.sub("", joined).strip():
        found.append((first, stripped))
    return found


def _add_named(line: str, environment: Mapping[str, str], gathered: Gathered) -> None:
    hashes = _HASH.findall(line)
    bare = _OPTION.sub("", _HASH.sub("", line)).strip()
    try:
        requirement = Requirement(bare)
    except InvalidRequirement as error:
        raise UnreadableError(f"{line[:80]!r} is no requirement ({str(error).splitlines()[0]})") from None
    if requirement.marker is not None and not requirement.marker.evaluate({**environment, "extra": ""}):
        gathered.left_out.append(requirement.name)
        return
    if requirement.url:
        _add_url(requirement.name, requirement.url, gathered)
        return
    pins = list(requirement.specifier)
    if len(pins) != 1 or pins[0].operator not in ("==", "===") or pins[0].version.endswith(".*"):
        says = f"asks for {requirement.specifier}" if pins else "names no version"
        raise UnreadableError(f"{requirement.name} {says}: {_NO_ENVIRONMENT}", certain=True)
    gathered.add(requirement.name, pins[0].version, hashes)


def _add_url(name: str, url: str, gathered: Gathered) -> None:
    scheme = urlsplit(url).scheme
    reason = Reason.REPOSITORY if "+" in scheme else Reason.LOCAL_PATH if scheme == "file" else Reason.URL
    version, stand_in = _version_of_file(url)
    gathered.block(name or _name_of_file(url), reason, url, version, stand_in)


def _is_path(line: str) -> bool:
    bare = _HASH.sub("", line).strip()
    return bare.startswith((".", "/", "~")) or (
        "://" not in bare and bare.endswith((".whl", ".tar.gz", ".zip"))
    )


def _egg(text: str) -> str:
    """Return the name that the fragment of a URL tells; empty if it tells none."""
    found = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", text)
    return found[1] if found else ""


def _file_of(text: str) -> str:
    return urlsplit(text.split(";", maxsplit=1)[0].strip()).path.rpartition("/")[2]


def _parsed(text: str) -> tuple[str, str] | None:
    """Return name and version as the name of a wheel or a source archive tells them."""
    name = _file_of(text)
    try:
        if name.endswith(".whl"):
            project, version, *_ = parse_wheel_filename(name)
        else:
            project, version = parse_sdist_filename(name)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return project, str(version)


def _name_of_file(text: str) -> str:
    found = _parsed(text)
    return found[0] if found else ""


def _version_of_file(text: str) -> tuple[str | None, str | None]:
    """Return the version that a file's name tells, and its public part, which may stand in for it."""
    found = _parsed(text)
    return (found[1], found[1].partition("+")[0]) if found else (None, None)
