"""The archive of a bundle: an ordinary zip file, which Python starts, with the wheels pressed together in it."""

from __future__ import annotations

import hashlib
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.bundles.bundle import MANIFEST, REQUIRED, SOLID
from harness.bundles.solid import plain_wheel, write_solid
from harness.errors import HarnessError
from harness.files import scratch_folder, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.packing.carried import Carried
    from harness.packing.wheels import Fetched

_START = Path(__file__).parent / "templates" / "start.py"
"""What Python executes of a bundle: it unpacks the harness and hands it the command line."""


def write(
    path: Path,
    manifest: Mapping[str, object],
    content: Mapping[str, Path | bytes],
    solid: Sequence[Fetched],
    itself: Carried | None,
) -> None:
    """Write the archive whole or not at all; the same content gives the same bytes."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    files: dict[str, dict[str, object]] = {}
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, source in content.items():
                raw = source.read_bytes() if isinstance(source, Path) else source
                files[name] = {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
                archive.writestr(zipfile.ZipInfo(name), raw, _compression(name))
            rehashed = _write_wheels(archive, solid, files)
            facts = {**manifest, "rehashed": rehashed, "files": files}
            if itself:
                raw = itself.archive.read_bytes()
                digest = hashlib.sha256(raw).hexdigest()
                facts["itself"] = {
                    "for": f"{manifest['python']} on {manifest['platform']}",
                    "sha256": digest,
                    "wheels": list(itself.wheels),
                }
                archive.writestr(zipfile.ZipInfo(REQUIRED), raw, zipfile.ZIP_STORED)
                code = _START.read_bytes()
                archive.writestr(zipfile.ZipInfo("__main__.py"), code, zipfile.ZIP_DEFLATED)
            archive.writestr(zipfile.ZipInfo(MANIFEST), to_json(facts), zipfile.ZIP_DEFLATED)
        temporary.replace(path)
    except OSError as error:
        raise HarnessError(f"--to {path}: cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)


def _write_wheels(
    archive: zipfile.ZipFile, solid: Sequence[Fetched], files: dict[str, dict[str, object]]
) -> dict[str, str]:
    """Add the wheels that are pressed together, and what `files` says of them; return {old: new SHA-256}."""
    if not solid:
        return {}
    rehashed, plain = {}, []
    with scratch_folder("bundle") as folder:
        for file in solid:
            wheel = folder / file.path.name
            sha256 = plain_wheel(file.path, wheel)
            rehashed[file.sha256] = sha256
            plain.append((f"wheels/{wheel.name}", wheel))
            files[plain[-1][0]] = {"sha256": sha256, "bytes": wheel.stat().st_size, "solid": True}
        write_solid(folder / SOLID, plain)
        archive.writestr(zipfile.ZipInfo(SOLID), (folder / SOLID).read_bytes(), zipfile.ZIP_STORED)
    return rehashed


def _compression(name: str) -> int:
    """A wheel is compressed already."""
    return zipfile.ZIP_STORED if name.startswith("wheels/") else zipfile.ZIP_DEFLATED
