"""What the packages of an environment require, as their metadata state it, kept by the lock's digest; and their files."""

from __future__ import annotations

from importlib.metadata import distributions
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.environments.environment import Environment, find
from harness.files import read_json, to_json, write_cache

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from harness.environments.environment import Environments
    from harness.locks.lock import Lock
    from harness.locks.mixture import Requirements


def requirements(environments: Environments, lock: Lock, *, make: bool) -> Requirements:
    """Return {(name, version): requirements} of the packages of a lock; empty if they cannot be read here.

    Args:
        environments: Makes or finds the environment.
        lock: Of the environment.
        make: Whether to make the environment, if it is not there.
    """
    path = environments.state.locks / f"requirements-{lock.digest[:32]}.json"
    try:
        kept = read_json(path)
        return {(name, version): tuple(requires) for name, version, requires in kept}
    except (OSError, ValueError, TypeError):
        pass
    folder = environments.state.environments / lock.digest[:20]
    made = environments.ensure(lock) if make else find(folder)
    if not isinstance(made, Environment):
        return {}
    found = _read(made)
    write_cache(path, to_json([[*key, list(value)] for key, value in sorted(found.items())]))
    return found


def owners(environments: Environments, lock: Lock) -> dict[str, set[str]]:
    """Return {file or folder of site-packages: canonical names of the packages that installed it}.

    Empty where the environment is not here; a folder of several packages, as `google`, has several names.

    Args:
        environments: Finds the environment.
        lock: Of the environment.
    """
    made = find(environments.state.environments / lock.digest[:20])
    found: dict[str, set[str]] = {}
    for one in _distributions(made) if made else ():
        for path in one.files or ():
            found.setdefault(path.parts[0], set()).add(str(canonicalize_name(one.metadata["Name"])))
    return found


def _read(environment: Environment) -> Requirements:
    return {
        (str(canonicalize_name(one.metadata["Name"])), one.version): tuple(one.requires or ())
        for one in _distributions(environment)
    }


def _distributions(environment: Environment) -> list[Distribution]:
    sites = [
        str(site)
        for folder in (environment.base, environment.folder)
        for site in folder.glob("lib/python*/site-packages")
    ]
    return [one for one in distributions(path=sites) if one.metadata["Name"]]
