"""What the packages of an environment require, as their metadata state it; kept by the lock's digest."""

from __future__ import annotations

import json
from importlib.metadata import distributions
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.environments.environment import Environment, find
from harness.files import to_json, write_atomic

if TYPE_CHECKING:
    from harness.environments.environment import Environments
    from harness.locks.lock import Lock
    from harness.locks.mixture import Requirements


def requirements(environments: Environments, lock: Lock, base: Lock, *, make: bool) -> Requirements:
    """Return {(name, version): requirements} of the packages of a lock; empty if they cannot be read here.

    Args:
        environments: Makes or finds the environment.
        lock: Of the environment.
        base: What it shares with others.
        make: Whether to make the environment, if it is not there.
    """
    path = environments.state.locks / f"requirements-{lock.digest[:32]}.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {(name, version): tuple(requires) for name, version, requires in kept}
    except (OSError, ValueError, TypeError):
        pass
    folder = environments.state.environments / lock.digest[:20]
    made = environments.ensure(lock, base) if make else find(folder)
    if not isinstance(made, Environment):
        return {}
    found = _read(made)
    write_atomic(path, to_json([[*key, list(value)] for key, value in sorted(found.items())]))
    return found


def _read(environment: Environment) -> Requirements:
    sites = [
        str(site)
        for folder in (environment.base, environment.folder)
        for site in folder.glob("lib/python*/site-packages")
    ]
    return {
        (str(canonicalize_name(one.metadata["Name"])), one.version): tuple(one.requires or ())
        for one in distributions(path=sites)
        if one.metadata["Name"]
    }
