"""What releases require, read from their wheels' metadata without downloading the wheels.

The index serves the metadata beside the wheel (PEP 658), or else answers a request for the wheel's last bytes, where
a zip archive has its directory and a wheel its metadata.
"""

from __future__ import annotations

import email
import re
import tempfile
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from harness.releases.index import TIMEOUT
from harness.releases.patience import be_patient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requests import Session

    from harness.releases.release import File, Release
    from harness.releases.settings import IndexSettings

_TAIL = 65_536
"""Bytes asked of a wheel's end."""
_AT_A_TIME = 8


@dataclass(frozen=True, slots=True)
class Needs:
    """What a release requires.

    Attributes:
        requires: Requirements that hold without extras, normalised and sorted.
        python: Specifiers that the interpreter must satisfy.
    """

    requires: tuple[str, ...]
    python: tuple[str, ...]

    def accepts(self, python: str) -> bool:
        """Tell whether an interpreter of this full version will do."""
        return all(SpecifierSet(one).contains(python, prereleases=True) for one in self.python)


def read_needs(releases: Sequence[Release], settings: IndexSettings) -> dict[str, Needs]:
    """Return {version: what it requires} of the releases where that can be told for certain.

    That is where one wheel that fits everywhere has readable metadata, and every file has a SHA-256.
    """
    from requests import Session  # noqa: PLC0415 - slow to import

    wheels = {release.version: wheel for release in releases if (wheel := _only_wheel(release))}
    with Session() as session, ThreadPoolExecutor(_AT_A_TIME) as pool:
        session.verify = settings.certificates or True
        be_patient(session)
        found = pool.map(lambda wheel: _needs(session, wheel), wheels.values())
        return {version: needs for version, needs in zip(wheels, found, strict=True) if needs}


def _only_wheel(release: Release) -> File | None:
    wheels = [file for file in release.files if file.name.endswith(".whl")]
    if len(wheels) != 1 or not all(file.sha256 for file in release.files):
        return None
    try:
        tags = parse_wheel_filename(wheels[0].name)[3]
    except InvalidWheelFilename:
        return None
    return wheels[0] if any(str(tag) == "py3-none-any" for tag in tags) else None


def _needs(session: Session, wheel: File) -> Needs | None:
    from requests import RequestException  # noqa: PLC0415 - slow to import

    try:
        text = _beside(session, wheel.metadata) if wheel.metadata else _from_tail(session, wheel.url)
        told = email.message_from_string(text)
        requires = [_without_extras(str(line)) for line in told.get_all("Requires-Dist", [])]
        python = [str(line) for line in told.get_all("Requires-Python", [])]
        if wheel.requires_python:
            python.append(wheel.requires_python)
        SpecifierSet(",".join(python))  # complains of what no interpreter can be compared with
    except (RequestException, OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None
    return Needs(tuple(sorted({line for line in requires if line})), tuple(python))


def _beside(session: Session, url: str) -> str:
    answer = session.get(url, timeout=TIMEOUT)
    answer.raise_for_status()
    return answer.content.decode()


def _from_tail(session: Session, url: str) -> str:
    """Return the metadata of a wheel from its last bytes, put in their place in a file with a hole before them."""
    wanted = {"Range": f"bytes=-{_TAIL}", "Accept-Encoding": "identity"}
    with session.get(url, headers=wanted, timeout=TIMEOUT, stream=True) as answer:
        if answer.status_code != 206:  # else it is the whole wheel
            raise ValueError("no part of a file can be had here")
        size, tail = int(answer.headers["Content-Range"].rpartition("/")[2]), answer.content
    with tempfile.TemporaryFile() as file:
        file.seek(size - len(tail))
        file.write(tail)
        with zipfile.ZipFile(file) as archive:
            (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
            return archive.read(name).decode()


def _without_extras(line: str) -> str:
    """Return a requirement in one spelling; nothing if it holds with an extra alone.

    Raises:
        ValueError: It cannot be read, or it names a file.
    """
    one = Requirement(line)
    if one.url:
        raise ValueError(f"{line}: where this leads can change")
    marker = str(one.marker or "")
    if " or " not in marker and re.search(r"\bextra\s*==", marker):
        return ""
    return f"{canonicalize_name(one.name)}[{','.join(sorted(one.extras))}]{one.specifier}; {marker}"
