"""Where the history of a package lies: a clone or a bare repository by path, a URL, or what its metadata name."""

from __future__ import annotations

import email
import hashlib
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.git import Git, GitError

if TYPE_CHECKING:
    from harness.state import State

AUTO = "auto"
"""The repository that the package's metadata name."""
_LABELS = ("source code", "source", "repository", "code", "github", "homepage", "home page", "home-page")
"""What the address of a repository is called in metadata, the surest first."""
_ADDRESS = re.compile(r"^(?:git\+)?(?:[a-z]+://|[\w.-]+@[\w.-]+:)")
_FORGE = re.compile(r"(?:^|\.)(?:github|gitlab|codeberg|bitbucket|gitea|sr)\.")


class NoRepositoryError(Exception):
    """There is no repository to be had; carries why, in one sentence."""


def open_repository(source: str, site: Path, package: str, state: State) -> Git:
    """Return the repository of a package.

    Args:
        source: A path, a URL, or `auto`.
        site: Site-packages in which the package is installed.
        package: Canonical name.
        state: Keeps clones of URLs.

    Raises:
        UsageError: A path is given that is no repository.
        NoRepositoryError: None is named, or it cannot be had.
    """
    if source != AUTO and not _ADDRESS.match(source):
        return _by_path(source)
    named = source if source != AUTO else named_repository(site, package)
    if not named:
        raise NoRepositoryError(
            f"the metadata of {package} name no repository; name one by --source PATH or URL"
        )
    return clone(named.removeprefix("git+"), state)


def check_source(source: str) -> None:
    """Complain of a path that is no repository, before anything is executed.

    Raises:
        UsageError: It is none.
    """
    if source != AUTO and not _ADDRESS.match(source):
        _by_path(source)


def _by_path(source: str) -> Git:
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise UsageError(
            f"the source {source}: there is no such folder; give a clone, a bare repository or a URL"
        )
    git = Git(folder.absolute(), source)
    try:
        git("rev-parse", "--git-dir")
    except GitError as error:
        raise UsageError(f"the source {source}: git reads no repository there ({error})") from None
    return git


def named_repository(site: Path, package: str) -> str:
    """Return the address of the repository that a package's metadata name; empty if they name none."""
    addresses: dict[str, str] = {}
    for info in site.glob("*.dist-info"):
        if canonicalize_name(info.name.split("-")[0]) == package:
            told = email.message_from_string(
                (info / "METADATA").read_text(encoding="utf-8", errors="replace")
            )
            for line in told.get_all("Project-URL", []):
                label, _, address = str(line).partition(",")
                addresses[label.strip().lower()] = address.strip()
            addresses.setdefault("home-page", str(told.get("Home-page") or ""))
    ordered = [addresses[label] for label in _LABELS if label in addresses]
    return next(filter(None, map(_repository, [*ordered, *addresses.values()])), "")


def _repository(address: str) -> str:
    """Return the address of a repository without what leads into it; empty if it looks like none."""
    parts = urlsplit(address)
    names = [part for part in parts.path.split("/") if part]
    if parts.path.endswith(".git") or parts.scheme == "file":
        return address
    if not _FORGE.search(parts.netloc) or len(names) < 2:
        return ""
    return urlunsplit((parts.scheme, parts.netloc, "/".join(names[:2]), "", ""))


def clone(address: str, state: State) -> Git:
    """Return a bare clone of a URL, fetched anew; large files are left out where the server can do that.

    Raises:
        NoRepositoryError: It cannot be fetched, and no earlier clone is there.
    """
    folder = state.sources / hashlib.sha256(address.encode()).hexdigest()[:16] / "history.git"
    git = Git(folder, address)
    quick = ("-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60")
    try:
        if not (folder / "HEAD").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            words = ("--bare", "--quiet", "--filter=blob:limit=1m", address, str(folder))
            Git(None, address)(*quick, "clone", *words)
        else:
            refs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            git(*quick, "fetch", "--quiet", "--force", "--prune", "origin", *refs)
    except GitError as error:
        raise NoRepositoryError(
            f"the repository {address} cannot be fetched ({error}); name a clone by --source PATH"
        ) from None
    return git


def web_address(git: Git) -> str:
    """Return the address of a repository's pages on a forge; empty if its remote is none."""
    try:
        address = git("config", "--get", "remote.origin.url").strip()
    except GitError:
        return ""
    if found := re.match(r"^(?:ssh://)?[\w.-]+@([\w.-]+)[:/](.+?)(?:\.git)?/?$", address):
        address = f"https://{found[1]}/{found[2]}"
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not _FORGE.search(parts.netloc):
        return ""
    return urlunsplit(
        (parts.scheme, parts.hostname or "", parts.path.removesuffix(".git").rstrip("/"), "", "")
    )
