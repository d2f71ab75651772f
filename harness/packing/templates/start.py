"""Starts the harness that a bundle carries: `python FILE bisect --device cuda`. The bundle's `__main__.py`.

Python executes it from within the archive, with the standard library alone.
"""

import hashlib
import io
import json
import lzma
import os
import shutil
import sys
import sysconfig
import tarfile
import uuid
import zipfile
from pathlib import Path
from typing import Any

OWN = "itself/"
WITHOUT_COMMAND = ("-h", "--help", "--version", "--debug", "--print-completion")
FROM_THE_BUNDLE = ("bisect", "probe", "selftest")


def main() -> int:
    """Unpack the harness into the home if it was not before, and hand it the command line."""
    bundle = Path(sys.argv[0]).resolve()
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        words = sys.argv[1:]
        if not words or (words[0].startswith("-") and words[0] not in WITHOUT_COMMAND):
            words = [*manifest["without_arguments"], *words]
        if words[0] in FROM_THE_BUNDLE and not any(word.startswith("--bundle") for word in words):
            words[1:1] = ["--bundle", str(bundle)]
        itself = manifest["itself"]
        here = f"{sys.version_info[0]}.{sys.version_info[1]} on {sysconfig.get_platform()}"
        if itself["for"] != here:
            return _fail(
                f"the bundle is for Python {itself['for']}, and this is {here}: start it by that one", 2
            )
        home = Path(os.environ.get("HARNESS_HOME") or ".harness").absolute()
        own = {name: facts["sha256"] for name, facts in manifest["files"].items() if name.startswith(OWN)}
        digest = hashlib.sha256(json.dumps([itself, own], sort_keys=True).encode()).hexdigest()
        folder = home / "bundles" / f"harness-{digest[:20]}"
        try:
            _unpack(archive, folder, itself, own)
        except (lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, EOFError, KeyError) as error:
            return _fail(f"damaged, the harness in it cannot be unpacked ({error}); copy it again", 4)
        except OSError as error:
            return _fail(f"the harness in it cannot be unpacked into {folder.parent} ({error})", 4)
    sys.path[0] = str(folder)
    # The torch of the Python that was started is the one that is meant.
    os.environ["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    )
    os.environ.pop("VIRTUAL_ENV", None)
    os.environ.pop("CONDA_PREFIX", None)
    from harness.cli import main as command_line  # noqa: PLC0415 - on the path from here on

    return command_line(words)


def _unpack(archive: zipfile.ZipFile, folder: Path, itself: dict[str, Any], own: dict[str, str]) -> None:
    if folder.is_dir():
        return
    pressed = _checked(archive, "requirements.tar.xz", itself["sha256"])
    # All is checked before anything is unpacked, which takes seconds.
    contents = {name[len(OWN) :]: _checked(archive, name, sha256) for name, sha256 in own.items()}
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with (
            lzma.open(io.BytesIO(pressed)) as raw,
            tarfile.open(fileobj=raw, mode="r|") as files,
        ):
            files.extractall(new, filter="data")
        for name, content in contents.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _unpack_wheels(archive, new, itself["wheels"])
        try:
            new.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _checked(archive: zipfile.ZipFile, name: str, sha256: str) -> bytes:
    content = archive.read(name)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EOFError(f"{name} is not the file that its manifest names")
    return content


def _unpack_wheels(archive: zipfile.ZipFile, new: Path, names: list[str]) -> None:
    """Add what the harness shares with the environments: wheels that are in the bundle anyway."""
    if not names:
        return
    with (
        archive.open("wheels.tar.xz") as pressed,
        lzma.open(pressed) as raw,
        tarfile.open(fileobj=raw, mode="r|") as files,
    ):
        for entry in files:
            content = files.extractfile(entry) if entry.name in names else None
            if content is not None:
                with zipfile.ZipFile(io.BytesIO(content.read())) as wheel:
                    wheel.extractall(new)  # noqa: S202 - zipfile keeps within the folder


def _fail(said: str, code: int) -> int:
    print(f"error: {sys.argv[0]}: {said}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
