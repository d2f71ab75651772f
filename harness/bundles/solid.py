"""Many alike files pressed together: wheels without their own compression, in one xz archive.

The wheels of one package's releases are nearly the same, which compression of each by itself cannot see. A wheel
that travels so has the content of the index's, member by member, and another digest.
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import tarfile
import zipfile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_WINDOW = 64 << 20
"""Bytes behind that a repetition is found in: a whole release of most packages. The reader needs as much memory."""

ERRORS = (lzma.LZMAError, tarfile.TarError, EOFError)
"""What reading a damaged archive raises."""


def plain_wheel(wheel: Path, target: Path) -> str:
    """Write a wheel again, uncompressed and without times; return its SHA-256 in hex."""
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            entry = zipfile.ZipInfo(member.filename)
            entry.external_attr, entry.create_system = member.external_attr, 3
            entry.file_size = member.file_size
            with old.open(member) as source, new.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_solid(
    target: Path, files: Iterable[tuple[str, Path]], *, effort: int = 6, window: int = _WINDOW
) -> None:
    """Write files, given by their name and place, into one archive: the same files give the same bytes.

    Args:
        target: The archive.
        files: Their name in it and their place. What is alike should stand side by side.
        effort: xz's preset, 0 to 9.
        window: Bytes behind that a repetition is found in.
    """
    filters = [{"id": lzma.FILTER_LZMA2, "preset": effort, "dict_size": window}]
    with (
        lzma.open(target, "wb", filters=filters) as pressed,
        tarfile.open(fileobj=pressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, path in files:
            entry = tarfile.TarInfo(name)
            facts = path.stat()
            entry.size, entry.mode = facts.st_size, 0o755 if facts.st_mode & 0o100 else 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)


def read_solid(pressed: IO[bytes], folder: Path, names: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Write those files of an archive that are named into a folder; yield name and SHA-256 of each.

    Raises:
        lzma.LZMAError, tarfile.TarError, EOFError: It is damaged.
    """
    with lzma.open(pressed) as raw, tarfile.open(fileobj=raw, mode="r|") as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isfile() and entry.name in names else None
            if content is None:
                continue
            path = folder / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
            with path.open("rb") as file:
                yield entry.name, hashlib.file_digest(file, "sha256").hexdigest()
