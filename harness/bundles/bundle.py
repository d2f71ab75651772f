"""Reading a bundle: checked file by file against its manifest, unpacked once into the state directory, then used from there."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from harness.bundles.axes import BundledAxis, held_release, lock_folder, varied_axes
from harness.bundles.solid import ERRORS, read_solid
from harness.errors import HarnessError, UsageError
from harness.files import parse_json, whole_folder, write_atomic
from harness.model.codec import from_plain
from harness.model.subject import MOST_AXES
from harness.recording import recorder_version
from harness.releases.index import Listing
from harness.releases.release import Release
from harness.releases.settings import IndexSettings
from harness.uv import NO_INDEX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.model.question import Question
    from harness.state import State

SCHEMA = 3
MANIFEST = "manifest.json"
SOLID = "wheels.tar.xz"
"""Member that holds the files which the manifest calls solid."""
ITSELF = "itself/"
"""Folder of the members that are the harness itself."""
REQUIRED = "requirements.tar.xz"
"""Member with what the harness requires."""
FIRST = "scenario/"
"""Folder of the first member."""
_TEXTS = ("scenario", "python", "platform", "torch", "recorder")
_TABLES = ("host_packages", "brought", "rehashed")
_AGAIN = "copy it again from where it was made, or make it again with `harness bundle`"


@dataclass(frozen=True, slots=True)
class Bundle:
    """An unpacked bundle.

    Attributes:
        folder: Where it is unpacked.
        scenario: The scenario's folder.
        axes: The package under test, or both of a question about two.
        pins: What its environments hold besides the scenario's pins.
        python: Major and minor version that its wheels fit, as 3.11.
        platform: The platform they fit, as `sysconfig.get_platform()`.
        torch: `host` if torch is the target's own, else `index`.
        host_packages: {name: version} of what else is the target's own.
        brought: {name: version} of what the target's torch brings, in whatever version it has there.
        recorder: Version of the recorder of the harness that made it.
        rehashed: {SHA-256 that the locks name: SHA-256 of the wheel with the same content here}, in hex.
    """

    folder: Path
    scenario: Path
    axes: tuple[BundledAxis, ...]
    pins: tuple[str, ...]
    python: str
    platform: str
    torch: str
    host_packages: Mapping[str, str]
    brought: Mapping[str, str]
    recorder: str
    rehashed: Mapping[str, str]

    @property
    def resolves(self) -> bool:
        """Whether releases can be resolved that have no lock yet: it has all locks, and no index."""
        return False

    def warning(self) -> str:
        """Return what keeps its results apart from those of where it was made; empty if nothing does."""
        if self.recorder == recorder_version():
            return ""
        return "the bundle was made by another version of the harness: its probes do not compare with those made there"

    def listing(self, package: str, state: State) -> Listing:  # noqa: ARG002 - it has them here
        """Return the releases that it has of a package."""
        (found,) = (one.releases for one in self.axes if one.package == package)
        return Listing(found, self.warning())

    def decide(self, question: Question) -> Question:
        """Return a question with all that the bundle decides in it, as if it had been asked that way.

        Raises:
            UsageError: The question decides something of it too.
        """
        subject, holds = question.subject, question.holds
        hold = held_release(self.axes, question)
        given: dict[str, object] = {
            "SCENARIO": subject.scenario,
            "a command behind --": subject.command,
            "--with": holds.pins and hold is None,
            "--package": len(self.axes) == 1 and any(axis.package for axis in question.axes),
            "--python": holds.python,
            "--policy": holds.policy != "fixed",
            "--pre": holds.prereleases,
            "--torch": holds.torch != "auto",
            "--locks": holds.locks,
        }
        for name in (name for name, value in given.items() if value):
            raise UsageError(f"--bundle and {name}: the bundle decides that; leave {name} out")
        axes = varied_axes(self.axes, question, hold)
        return replace(
            question,
            subject=replace(subject, scenario=str(self.scenario), bundle=""),
            axes=axes,
            holds=replace(
                holds,
                pins=(*self.pins, *holds.pins),
                python=self.python,
                prereleases=True,
                torch=self.torch,
                locks=None
                if len(axes) > 1
                else str(self.folder / "locks" / lock_folder(self.axes, axes[0], hold)),
            ),
        )

    def settings(self) -> IndexSettings:
        """Return settings with which uv knows the bundle's wheels and nothing else, and never asks a network."""
        wheels = (self.folder / "wheels").as_uri()
        variables = {
            NO_INDEX: "1",
            "UV_FIND_LINKS": wheels,
            "UV_OFFLINE": "1",
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        }
        return IndexSettings(index=None, find_links=(wheels,), uv_environment=variables)


def open_bundle(path: Path, state: State) -> Bundle:
    """Return the bundle in `path`, unpacked into the state directory if it was not before.

    Raises:
        UsageError: It is not there, or it is no bundle.
        HarnessError: It is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _unpack(path, archive, state)
    except OSError as error:
        raise UsageError(f"--bundle {path}: cannot be read ({error.strerror or error})") from None
    except zipfile.BadZipFile as error:
        if not _begins_as_bundle(path):
            raise UsageError(f"--bundle {path}: not a bundle, which `harness bundle` writes") from None
        raise _damaged(path, f"cut short or changed: {error}") from None


def _unpack(path: Path, archive: zipfile.ZipFile, state: State) -> Bundle:
    try:
        raw = archive.read(MANIFEST)
    except (*ERRORS, ValueError, RuntimeError, zlib.error):
        raise _damaged(path, f"its {MANIFEST} cannot be read") from None
    except KeyError:
        if _begins_as_bundle(
            path
        ):  # cut inside a wheel, which is such an archive itself and read in its place
            raise _damaged(path, f"cut short or changed: it has no {MANIFEST}") from None
        raise UsageError(f"--bundle {path}: not a bundle, it has no {MANIFEST}") from None
    manifest = _manifest(path, raw)
    folder = state.bundles / hashlib.sha256(raw).hexdigest()[:20]
    if not folder.is_dir():
        with whole_folder(folder) as new:
            files = manifest["files"]
            for name, facts in files.items():
                if not facts.get("solid") and not name.startswith(ITSELF):
                    write_atomic(new / name, _member(path, archive, name, facts["sha256"]))
            _unpack_solid(
                path, archive, {name: files[name] for name in files if files[name].get("solid")}, new
            )
    return Bundle(
        folder=folder,
        scenario=folder / FIRST / manifest["scenario"],
        axes=tuple(_axis(entry) for entry in manifest["axes"]),
        pins=tuple(manifest["pins"]),
        python=manifest["python"],
        platform=manifest["platform"],
        torch=manifest["torch"],
        host_packages=manifest["host_packages"],
        brought=manifest["brought"],
        recorder=manifest["recorder"],
        rehashed=manifest["rehashed"],
    )


def _axis(entry: Mapping[str, Any]) -> BundledAxis:
    """Read what a manifest says of one package.

    Raises:
        ValueError: A name or a version is none: files are named by both.
    """
    releases = tuple(from_plain(Release, release) for release in entry["releases"])
    for release in releases:
        Version(release.version)
    return BundledAxis(canonicalize_name(entry["package"], validate=True), releases)


def _begins_as_bundle(path: Path) -> bool:
    """Tell whether the first member of an archive, or what is left of it, is a bundle's: its name follows 30 bytes."""
    with path.open("rb") as file:
        begin = file.read(30 + len(FIRST))
    return begin[:2] == b"PK" and FIRST.encode().startswith(begin[30:])


def _manifest(path: Path, raw: bytes) -> Mapping[str, Any]:
    """Read and check the manifest."""
    try:
        manifest = dict(parse_json(raw))
        schema = manifest["schema"]
    except (ValueError, TypeError, KeyError):
        raise _damaged(path, f"its {MANIFEST} cannot be read") from None
    if schema != SCHEMA:
        raise UsageError(f"--bundle {path}: schema {schema}, and this harness reads {SCHEMA}: use equal ones")
    try:
        sound = _sound(manifest)
    except (KeyError, TypeError, AttributeError, ValueError):
        sound = False
    if not sound:
        raise _damaged(path, f"its {MANIFEST} lacks something or names a file outside the bundle")
    return manifest


def _sound(manifest: Mapping[str, Any]) -> bool:
    """Tell whether a manifest has everything, of the right type, and leads nowhere outside the bundle.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: It has not.
    """
    axes = [_axis(entry) for entry in manifest["axes"]]
    texts = [*(manifest[name] for name in _TEXTS), *manifest["pins"]]
    texts += [text for name in _TABLES for pair in manifest[name].items() for text in pair]
    texts += [facts["sha256"] for facts in manifest["files"].values()]
    names = [*manifest["files"], f"{FIRST}{manifest['scenario']}"]
    some = 1 <= len(axes) <= MOST_AXES and all(one.releases for one in axes)
    return some and all(isinstance(text, str) for text in texts) and all(map(_inside, names))


def _inside(name: str) -> bool:
    """Tell whether a name stays inside the folder that it is unpacked into."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not PurePosixPath(name).is_absolute() and ".." not in parts and name.isprintable()


def _member(path: Path, archive: zipfile.ZipFile, name: str, sha256: str) -> bytes:
    try:
        content = archive.read(name)
    except KeyError:
        raise _damaged(path, f"{name} is missing") from None
    except (zipfile.BadZipFile, *ERRORS, OSError, ValueError, RuntimeError, zlib.error):
        raise _damaged(path, f"{name} cannot be read") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(path, f"{name} is not the file that its manifest names")
    return content


def _unpack_solid(
    path: Path, archive: zipfile.ZipFile, files: Mapping[str, Mapping[str, Any]], new: Path
) -> None:
    """Unpack the archive within the archive, and check each file of it."""
    if not files:
        return
    found = {}
    try:
        with archive.open(SOLID) as pressed:
            for name, sha256 in read_solid(pressed, new, files):
                if sha256 != files[name]["sha256"]:
                    raise _damaged(path, f"{name} is not the file that its manifest names")
                found[name] = sha256
    except KeyError:
        raise _damaged(path, f"{SOLID} is missing") from None
    except (zipfile.BadZipFile, *ERRORS, ValueError, RuntimeError, zlib.error):
        raise _damaged(path, f"{SOLID} cannot be read") from None
    if lost := sorted(files.keys() - found.keys()):
        raise _damaged(path, f"{lost[0]} is missing")


def _damaged(path: Path, what: str) -> HarnessError:
    return HarnessError(f"--bundle {path}: damaged, {what}; {_AGAIN}")
