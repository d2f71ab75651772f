"""A source under watch: its newest commit is built into a wheel, which is then a release like any other.

The wheel's version gets a local label of the commit's time and name, `0.22.0.dev0+20261124183000.g4f2a9c1`: commits
are in order, none is taken for another, and its lock has the hash of just this build.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from packaging.utils import canonicalize_name

from harness.errors import HarnessError
from harness.files import scratch_folder
from harness.git import Git, GitError
from harness.releases.settings import read_settings
from harness.uv import Uv

if TYPE_CHECKING:
    from pathlib import Path

    from harness.nightly.config import Watch
    from harness.state import State

_BUILD = re.compile(r"\+(?:.*\.)?\d{14}\.g[0-9a-f]{7,}$")


def is_build(version: str) -> bool:
    """Tell whether a version is that of a build made here."""
    return _BUILD.search(version) is not None


def built(watch: Watch, state: State) -> Watch:
    """Build the newest commit of a watch's source; return the watch with its builds among the releases.

    Args:
        watch: Its source is `git+URL@ref`, `git+URL`, or the path of a clone, whose HEAD is taken; empty for none.
        state: Keeps the clone and the wheels.

    Raises:
        HarnessError: It cannot be fetched or built, or builds something else.
    """
    if not watch.source:
        return watch
    folder = clone_of(watch.source, state).parent
    try:
        _build(watch.source, watch.package, folder)
    except GitError as error:
        raise HarnessError(f"the source {watch.source} cannot be fetched: {error}") from None
    return replace(watch, own_links=(str(folder / "wheels"),))


def clone_of(source: str, state: State) -> Path:
    """Return where the clone of a source lies."""
    return state.sources / hashlib.sha256(source.encode()).hexdigest()[:16] / "clone"


def _build(source: str, package: str, folder: Path) -> None:
    address, ref = _parts(source)
    clone, wheels = folder / "clone", folder / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    if not (clone / ".git").is_dir():
        shutil.rmtree(clone, ignore_errors=True)
        Git(None, source)("init", "--quiet", str(clone))
    git = Git(clone, source)
    git("fetch", "--quiet", "--force", "--tags", address)
    git("fetch", "--quiet", "--force", "--no-tags", address, ref)
    commit, seconds = git("show", "--no-patch", "--format=%H %ct", "FETCH_HEAD").split()
    label = f"{datetime.fromtimestamp(int(seconds), UTC):%Y%m%d%H%M%S}.g{commit[:7]}"
    if any(wheels.glob(f"*{label}-*.whl")):
        return
    git("checkout", "--quiet", "--force", "--detach", commit)
    git("clean", "--quiet", "-ffdx")
    with scratch_folder("build") as out:
        uv = Uv(read_settings().uv_environment)
        done = uv.run("build", "--wheel", "--quiet", "--out-dir", str(out), str(clone), writable=[str(out)])
        made = sorted(out.glob("*.whl"))
        if done.code or not made:
            raise HarnessError(f"the source {source} at {commit[:7]} cannot be built: {done.reason}")
        name = made[0].name.partition("-")[0]
        if canonicalize_name(name) != package:
            raise HarnessError(f"the source {source} builds {name}, and {package} is watched")
        _relabel(made[0], label, wheels)


def _parts(source: str) -> tuple[str, str]:
    """Return where to fetch from, and what."""
    if not source.startswith("git+"):
        return source, "HEAD"
    address = urlsplit(source.removeprefix("git+"))
    path, _, ref = address.path.partition("@")
    return urlunsplit(address._replace(path=path)), ref or "HEAD"


def _relabel(wheel: Path, label: str, target: Path) -> None:
    """Write the wheel into `target` with a local label behind its version, in names, METADATA and RECORD."""
    name, old, rest = wheel.name.split("-", 2)
    new = f"{old}.{label}" if "+" in old else f"{old}+{label}"
    records = []
    fresh = target / f".{wheel.name}.tmp"
    try:
        with ZipFile(wheel) as source, ZipFile(fresh, "w", ZIP_DEFLATED) as result:
            for entry in source.infolist():
                content = source.read(entry)
                path = re.sub(
                    rf"^{re.escape(f'{name}-{old}')}\.(dist-info|data)/", rf"{name}-{new}.\1/", entry.filename
                )
                if path == f"{name}-{new}.dist-info/RECORD" or path.endswith("/"):
                    continue
                if path == f"{name}-{new}.dist-info/METADATA":
                    content = re.sub(rb"(?m)^(Version:\s*)(\S+)", rb"\g<1>" + new.encode(), content, count=1)
                digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                records.append(f"{path},sha256={digest},{len(content)}\n")
                entry.filename = path
                result.writestr(entry, content)
            record = f"{name}-{new}.dist-info/RECORD"
            result.writestr(record, "".join([*records, f"{record},,\n"]))
        fresh.replace(target / f"{name}-{new}-{rest}")
    except (BadZipFile, OSError) as error:
        raise HarnessError(f"the wheel {wheel.name} cannot be relabelled: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)
