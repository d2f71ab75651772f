"""Whether an index that refuses one file serves others: then that file is at fault, else the index is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from harness.errors import HarnessError
from harness.releases.index import TIMEOUT, list_files
from harness.releases.patience import be_patient

if TYPE_CHECKING:
    from harness.releases.settings import IndexSettings

_TRIED = 3
"""Other files that are asked for at most."""


def release_of(address: str) -> tuple[str, str]:
    """Return canonical name and version that a file's address tells; both empty if it tells none."""
    from pypi_simple import UnparsableFilenameError, parse_filename  # noqa: PLC0415 - slow to import

    try:
        package, version, _ = parse_filename(_name(address))
    except UnparsableFilenameError:
        return "", ""
    return canonicalize_name(package), version


def _name(address: str) -> str:
    return unquote(urlsplit(address).path.rpartition("/")[2]).removesuffix(".metadata")


def serves_others(address: str, settings: IndexSettings) -> bool:
    """Tell whether the index lists the package of a refused file and serves a file of another version.

    Args:
        address: Of the refused file, or of the metadata beside it.
        settings: Which index.
    """
    from requests import RequestException, Session  # noqa: PLC0415 - slow to import

    name = _name(address)
    package, version = release_of(address)
    try:
        files = list_files(package, settings) if package else []
    except HarnessError:
        return False
    others = [file.url for file in files if file.name != name and f"-{version}" not in file.name]
    if not others:
        return any(file.name == name for file in files)
    with Session() as session:
        session.verify = settings.certificates or True
        be_patient(session)
        for url in others[-_TRIED:]:
            if url.startswith("file:"):
                return True
            try:
                if session.head(url, timeout=TIMEOUT, allow_redirects=True).ok:
                    return True
            except RequestException:
                continue
    return False
