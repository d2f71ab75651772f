"""Reads the locks of other tools: `uv.lock`, `pylock.toml` (PEP 751) and `poetry.lock`.

A lock holds the packages of every platform, Python and extra that its project allows. What its markers leave out on
this machine is named as left out. Of `uv.lock` and `poetry.lock`, what the project itself and its default groups
need is read, not its optional extras, as `uv sync` and `poetry install` do without options.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from packaging.markers import InvalidMarker, Marker
from packaging.pylock import Package, Pylock, PylockValidationError

from harness.snapshots.snapshot import Gathered, Kind, Reason, Snapshot, UnreadableError, marker_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_UV_SOURCES = {
    "editable": Reason.EDITABLE,
    "directory": Reason.LOCAL_PATH,
    "path": Reason.LOCAL_PATH,
    "url": Reason.URL,
    "git": Reason.REPOSITORY,
}
_POETRY_SOURCES = {
    "directory": Reason.LOCAL_PATH,
    "file": Reason.LOCAL_PATH,
    "url": Reason.URL,
    "git": Reason.REPOSITORY,
}


def read_uv_lock(text: str, source: str, python: str | None = None) -> Snapshot:
    """Read `uv.lock`; arguments and errors as of `read_requirements`."""
    document = _toml(text)
    packages = document.get("package")
    if not isinstance(packages, list) or "version" not in document or "requires-python" not in document:
        raise UnreadableError("it has no [[package]] tables beside `version` and `requires-python`")
    if any("source" not in package for package in packages):
        raise UnreadableError("a [[package]] has no `source`")
    environment, gathered = marker_environment(python), Gathered()
    needed = _needed_by_uv(document, environment)
    for package in packages:
        kind = next(iter(package["source"]), "")
        if kind == "virtual":
            continue  # the project itself, which is not installed
        if id(package) not in needed:
            gathered.left_out.append(package["name"])
        elif kind in _UV_SOURCES:
            where, version = str(package["source"][kind]), package.get("version")
            gathered.block(package["name"], _UV_SOURCES[kind], where, version)
        else:
            files = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
            gathered.add(package["name"], package["version"], [one["hash"] for one in files if "hash" in one])
    _keep_left_out(gathered)
    return gathered.snapshot(Kind.UV_LOCK, source, requires_python=document["requires-python"])


def read_pylock(text: str, source: str, python: str | None = None) -> Snapshot:
    """Read `pylock.toml`; arguments and errors as of `read_requirements`."""
    document = _toml(text)
    if "lock-version" not in document:
        raise UnreadableError("it has no `lock-version`")
    try:
        lock = Pylock.from_dict(document)
    except PylockValidationError as error:
        raise UnreadableError(f"it breaks PEP 751: {error}", certain=True) from None
    environment, gathered = marker_environment(python), Gathered()
    groups = {"extras": frozenset[str](), "dependency_groups": frozenset(lock.default_groups or ())}
    for package in lock.packages:
        if package.marker is None or package.marker.evaluate({**environment, **groups}, "lock_file"):
            _add_from_pylock(gathered, package)
        else:
            gathered.left_out.append(package.name)
    _keep_left_out(gathered)
    return gathered.snapshot(Kind.PYLOCK, source, requires_python=str(lock.requires_python or ""))


def read_poetry_lock(text: str, source: str, python: str | None = None) -> Snapshot:
    """Read `poetry.lock`; arguments and errors as of `read_requirements`."""
    document = _toml(text)
    packages, metadata = document.get("package"), document.get("metadata")
    if not isinstance(packages, list) or not isinstance(metadata, dict) or "content-hash" not in metadata:
        raise UnreadableError("it has no [[package]] tables beside a `content-hash`")
    environment, gathered = marker_environment(python), Gathered()
    for package in packages:
        name, version = package["name"], package["version"]
        origin = package.get("source", {}).get("type", "")
        if package.get("optional") or not _poetry_wants(package, environment):
            gathered.left_out.append(name)
        elif origin in _POETRY_SOURCES:
            gathered.block(name, _POETRY_SOURCES[origin], package["source"].get("url", ""), version)
        else:
            # Before version 2 of the format, the hashes of all packages stood in one table.
            files = package.get("files") or metadata.get("files", {}).get(name, [])
            gathered.add(name, version, [file["hash"] for file in files])
    _keep_left_out(gathered)
    allowed = metadata.get("python-versions", "")
    return gathered.snapshot(Kind.POETRY_LOCK, source, requires_python=allowed)


def _add_from_pylock(gathered: Gathered, package: Package) -> None:
    version = None if package.version is None else str(package.version)
    if package.vcs is not None:
        gathered.block(package.name, Reason.REPOSITORY, package.vcs.url or package.vcs.path or "", version)
    elif package.directory is not None:
        reason = Reason.EDITABLE if package.directory.editable else Reason.LOCAL_PATH
        gathered.block(package.name, reason, package.directory.path, version)
    elif package.archive is not None:
        reason = Reason.URL if package.archive.url else Reason.LOCAL_PATH
        gathered.block(package.name, reason, package.archive.url or package.archive.path or "", version)
    elif version is None:
        gathered.block(package.name, Reason.NO_VERSION)
    else:
        files = [wheel.hashes for wheel in package.wheels or ()]
        files += [package.sdist.hashes] if package.sdist else []
        gathered.add(
            package.name, version, [f"{kind}:{value}" for each in files for kind, value in each.items()]
        )


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableError(f"it is no TOML: {error}") from None


def _keep_left_out(gathered: Gathered) -> None:
    """Forget as left out what the lock holds in another version that is wanted."""
    wanted = gathered.names()
    gathered.left_out = [name for name in gathered.left_out if name not in wanted]


def _needed_by_uv(document: dict[str, Any], environment: Mapping[str, str]) -> set[int]:
    """Return which packages (by identity) are needed here by the projects of a lock, or by the script it is of."""
    packages, manifest = document["package"], document.get("manifest", {})
    members = manifest.get("members", ())
    roots = [one for one in packages if _is_project(one, members)]
    front = [(root, "") for root in roots]
    for wanted in manifest.get("requirements", ()):  # of a script
        if _holds(wanted.get("marker"), environment):
            front += [
                (other, name)
                for other in _matching(packages, {"name": wanted["name"]})
                for name in ("", *wanted.get("extras", ()))
            ]
    if not front:
        raise UnreadableError("it holds no project and no script that needs a package here", certain=True)
    needed: set[int] = set()
    seen: set[tuple[int, str]] = set()
    while front:
        package, extra = front.pop()
        if (id(package), extra) in seen:
            continue
        seen.add((id(package), extra))
        needed.add(id(package))
        for wanted in _wants(package, extra):
            if not _holds(wanted.get("marker"), environment, extra):
                continue
            for other in _matching(packages, wanted):
                front += [(other, name) for name in ("", *wanted.get("extra", ()))]
    return needed


def _is_project(package: Mapping[str, Any], members: Iterable[str]) -> bool:
    """Tell whether a package is the project that a lock is of, or a member of its workspace."""
    source = package["source"]
    return "." in (source.get("virtual"), source.get("editable")) or package["name"] in members


def _wants(package: Mapping[str, Any], extra: str) -> Iterator[dict[str, Any]]:
    """Yield what a package depends on; of a project, its group `dev` too, which uv installs by default."""
    if extra:
        yield from package.get("optional-dependencies", {}).get(extra, ())
        return
    yield from package.get("dependencies", ())
    yield from package.get("dev-dependencies", {}).get("dev", ())


def _matching(packages: Iterable[dict[str, Any]], wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the packages that a dependency names; version and source are told where the name is not enough."""
    for package in packages:
        if package["name"] == wanted["name"] and all(
            package.get(key) == wanted[key] for key in ("version", "source") if key in wanted
        ):
            yield package


def _poetry_wants(package: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Tell whether the markers of a package hold here: one for all groups, or one a group."""
    groups, markers = package.get("groups", ["main"]), package.get("markers", "")
    if isinstance(markers, str):
        return _holds(markers, environment)
    return any(_holds(markers.get(group), environment) for group in groups)


def _holds(marker: str | None, environment: Mapping[str, str], extra: str = "") -> bool:
    if not marker:
        return True
    try:
        return Marker(marker).evaluate({**environment, "extra": extra})
    except InvalidMarker as error:
        raise UnreadableError(
            f"{marker!r} is no marker ({str(error).splitlines()[0]})", certain=True
        ) from None
