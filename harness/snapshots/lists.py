"""Reads what tools print: `pip list --format=json`, `conda list --export`, `environment.yml`, and locks of ours."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version

from harness.locks.lock import parse_lock
from harness.snapshots.requirements import add_requirement
from harness.snapshots.snapshot import (
    Gathered,
    Kind,
    Origin,
    Reason,
    Snapshot,
    UnreadableError,
    marker_environment,
)

_CONDA_PLATFORM = re.compile(r"^#\s*platform:\s*(\S+)", re.MULTILINE)
_CONDA_LINE = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)=(?P<version>[^=\s]+)=(?P<build>[^=\s]+)$")
_CONDA_SPEC = re.compile(
    r"^(?:[\w./-]+::)?(?P<name>[A-Za-z0-9._-]+)\s*(?:==?(?P<version>[^=\s,|<>*!]+)(?:=[^=\s]+)?)?$"
)
_BY_PIP = ("pypi_", "pypi")
"""How conda marks the build of a package that pip installed."""


def read_own_lock(text: str, source: str, _python: str | None = None) -> Snapshot:
    """Read a lock that this harness wrote; arguments and errors as of `read_requirements`."""
    try:
        lock = parse_lock(text)
    except ValueError as error:
        raise UnreadableError(str(error)) from None
    gathered = Gathered()
    for package in lock.packages:
        # Such a lock was resolved from an index: a local version in it is one that the source of torch has.
        gathered.add(package.name, package.version, package.hashes, local=True)
    return gathered.snapshot(Kind.OWN_LOCK, source, python=lock.python, platform=lock.platform)


def read_pip_list(text: str, source: str, _python: str | None = None) -> Snapshot:
    """Read JSON of `pip list` or `uv pip list`; arguments and errors as of `read_requirements`."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"it is no JSON: {error}") from None
    if not isinstance(document, list) or not all(_is_listed(item) for item in document):
        raise UnreadableError("it is no JSON list of objects with `name` and `version`")
    gathered = Gathered()
    for item in document:
        if place := item.get("editable_project_location"):
            gathered.block(
                item["name"], Reason.EDITABLE, str(place), item["version"], _public(item["version"])
            )
        else:
            gathered.add(item["name"], item["version"])
    return gathered.snapshot(Kind.PIP_LIST, source)


def read_conda_list(text: str, source: str, _python: str | None = None) -> Snapshot:
    """Read what `conda list --export` prints; arguments and errors as of `read_requirements`."""
    gathered, python = Gathered(), None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _CONDA_LINE.match(line.strip())
        if found is None:
            raise UnreadableError(
                f"line {number}: {line.strip()[:80]!r} is not of the form name=version=build"
            )
        python = found["version"] if found["name"] == "python" else python
        _add_conda(gathered, found["name"], found["version"], by_pip=found["build"].startswith(_BY_PIP))
    platform = _CONDA_PLATFORM.search(text)
    named = platform[1] if platform else None
    return gathered.snapshot(Kind.CONDA_LIST, source, python=python, platform=named)


def read_conda_environment(text: str, source: str, python: str | None = None) -> Snapshot:
    """Read what `conda env export` writes; arguments and errors as of `read_requirements`."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UnreadableError(f"it is no YAML: {' '.join(str(error).split())[:120]}") from None
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), list):
        raise UnreadableError("it is no YAML mapping with a list of `dependencies`")
    gathered, by_pip = Gathered(), list[str]()
    for item in document["dependencies"]:
        if isinstance(item, dict):
            by_pip += map(str, item.get("pip") or ())
            continue
        found = _CONDA_SPEC.match(str(item).strip())
        if found is None or found["version"] is None:
            if found is not None and found["name"] == "pip":
                continue  # conda asks for it without a version
            raise UnreadableError(
                f"{item} names no single version: it is no environment. Give what `conda env export` writes",
                certain=True,
            )
        python = found["version"] if found["name"] == "python" else python
        _add_conda(gathered, found["name"], found["version"], by_pip=False)
    for line in by_pip:
        environment = marker_environment(python)
        add_requirement(line.strip(), environment, gathered)
    return gathered.snapshot(Kind.CONDA_ENVIRONMENT, source, python=python)


def _add_conda(gathered: Gathered, name: str, version: str, *, by_pip: bool) -> None:
    if name == "python":
        return  # it is the Python of the environment, not one of its packages
    if name.startswith("_"):
        gathered.block(name, Reason.NOT_ON_INDEX, version=version)  # conda's own switches: _libgcc_mutex
        return
    gathered.add(name, version, origin=Origin.INDEX if by_pip else Origin.CONDA)


def _is_listed(item: Any) -> bool:
    return (
        isinstance(item, dict) and isinstance(item.get("name"), str) and isinstance(item.get("version"), str)
    )


def _public(version: str) -> str | None:
    try:
        return Version(version).public
    except InvalidVersion:
        return None
