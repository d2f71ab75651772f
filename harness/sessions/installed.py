"""What is installed of a release: its environment, made if need be, and the files of the package under test in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.environments.environment import NotInstallable
from harness.errors import UsageError
from harness.locks.lock import Lock
from harness.probes.launch import site_packages
from harness.sessions.overlay import installed

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sessions.overlay import Tree
    from harness.sessions.session import Session


def files_of(session: Session, position: int) -> Tree:
    """Return the package's files in a release."""
    return installed(site_of(session, position), session.asked.package)


def site_of(session: Session, position: int) -> Path:
    """Return site-packages of a release's environment."""
    return site_packages(environment_of(session, position).parent.parent)


def environment_of(session: Session, position: int) -> Path:
    """Return the interpreter of a release's environment.

    Raises:
        UsageError: It cannot be resolved or installed any more.
    """
    lock, version = session.locks[position], session.releases[position].version
    if not isinstance(lock, Lock):
        raise UsageError(f"{session.asked.package} {version} cannot be resolved any more: {lock.reason}")
    made = session.environments.ensure(lock)
    if isinstance(made, NotInstallable):
        raise UsageError(f"{session.asked.package} {version} cannot be installed any more: {made.reason}")
    return made.python
