"""Virtual environments made from locks: one shared base for what is the same everywhere, a thin layer on top.

A base holds the packages common to the locks that a run knows as it begins; it is never modified. A
layer holds the release under test and whatever else differs, and puts the base on its path by a `.pth` file. A lock
that is resolved later and lacks something of the base stands on a smaller one. All modules are compiled
once. Both are ordinary virtual environments made by uv, so a person can step into them. The folder's name is the lock's digest, and whatever base it stands on, its content is exactly its lock.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from filelock import FileLock

from harness.environments import failed_builds, integrity
from harness.errors import HarnessError
from harness.failures import Failure, machine_error, of_os_error, refused_file
from harness.files import read_json, to_json, whole_folder, write_atomic
from harness.locks.lock import common, parse_lock
from harness.releases.refused import serves_others
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from harness.locks.interpreter import Interpreter
    from harness.locks.lock import Lock
    from harness.locks.torch import TorchSource
    from harness.releases.settings import IndexSettings
    from harness.state import State
    from harness.uv import Outcome, Uv

MARKER = "environment.json"
"""Written last; a folder without it is no environment."""
LINK_TO_BASE = "harness-base.pth"
"""Puts the base on the path of an environment."""
_TO_BASE = (
    "import os, site, sys; site.addsitedir("
    "os.path.normpath(os.path.join(sys._getframe(1).f_locals['sitedir'], {way!r})))\n"
)
"""What stands in it: the base lies beside the environment, also after the state directory was moved. A `.pth` file knows
its own folder by the frame that executes it, as those of setuptools for namespace packages do."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A finished environment.

    Attributes:
        folder: Its virtual environment.
        lock: Digest of the lock it was made from.
        base: Folder of the base it stands on.
        seconds: What making it took, the base left out.
    """

    folder: Path
    lock: str
    base: Path
    seconds: float = 0.0

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"


@dataclass(frozen=True, slots=True)
class NotInstallable:
    """A lock that could not be installed, with uv's own reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Environments:
    """Makes and finds environments.

    Attributes:
        package: Canonical name of the package under test, which is never part of a base.
        told: Called with a line when what takes long begins and ends.
        made: Digests of the locks whose environments were made, not found.
        base_seconds: What making each base took that was made, not found.
        shared: What environments have in common, the largest first; an environment stands on the first one that is
            wholly in its lock.
        bases: {folder: lock} of the bases that were used.
        layers: {folder: (what is in it, lock of the environment, folder of its base)} of the environments that were used.
        settings: Which index to ask whether it serves other files than one that it refuses; None cannot ask.
        rehashed: {SHA-256 in a lock: SHA-256 of a wheel with the same content}, of a bundle.
    """

    package: str
    interpreter: Interpreter
    torch: TorchSource
    uv: Uv
    state: State
    told: Callable[[str], None] = lambda _line: None
    base_seconds: list[float] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    rehashed: Mapping[str, str] = field(default_factory=dict)
    bases: dict[Path, Lock] = field(default_factory=dict)
    layers: dict[Path, tuple[Lock, Lock, Path]] = field(default_factory=dict)
    settings: IndexSettings | None = None
    shared: list[Lock] = field(default_factory=list)
    _choosing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def base(self) -> Lock:
        """What the environments have in common, but for those that stand on something smaller."""
        return self.shared[0]

    def sharing(self, locks: Iterable[Lock]) -> Environments:
        """Return the same, with a base of what all `locks` have in common, the package under test left out."""
        several = list(locks)
        return replace(self, shared=[several[0].only(common(several) - {self.package})])

    def ensure(self, lock: Lock) -> Environment | NotInstallable:
        """Return the environment of `lock`, made if it is not there.

        Raises:
            HarnessError: The machine failed, or the base itself cannot be installed.
        """
        folder = self.state.environments / lock.digest[:20]
        found = find(folder)
        if found is not None:
            os.utime(folder / MARKER)
            os.utime(found.base / MARKER)
            return self._use(found, lock)
        reason, said = failed_builds.recall(folder, confined=self.uv.confined)
        if reason:
            self.told(f"{self.package} {lock.versions().get(self.package, '')} {said}")
            return NotInstallable(reason)
        base = self.base_of(lock)
        below = self._ensure_base(base)
        found = find(folder)  # only its base was missing
        if found is not None:
            return self._use(found, lock)
        if (folder / MARKER).exists():
            self.told(f"the environment {folder} is damaged, or of an older harness: it is made again")
        fault = self._make(folder, self._layer(lock, base), lock, below)
        made = find(folder)
        if fault:
            return NotInstallable(fault)
        if made is None:
            raise HarnessError(
                f"the environment {folder} is no environment right after it was made: run it again"
            )
        self.made.append(lock.digest)
        return self._use(made, lock)

    def base_of(self, lock: Lock) -> Lock:
        """Return the largest base that is wholly in a lock; one that fits is added where there is none."""
        with self._choosing:
            for base in self.shared:
                if not set(base.packages) - set(lock.packages):
                    return base
            smallest = self.shared[-1] if self.shared else lock
            self.shared.append(smallest.only(common([smallest, lock]) - {self.package}))
            return self.shared[-1]

    def remake(self, folder: Path) -> None:
        """Install an environment or a base anew in place of what is there, which a job has changed.

        Raises:
            HarnessError: It cannot be installed any more, or the machine failed.
        """
        base = self.bases.get(folder)
        if base is not None:
            fault = self._make(folder, base, base, None, anew=True)
        else:
            layer, lock, below = self.layers[folder]
            fault = self._make(folder, layer, lock, below, anew=True)
        if fault:
            raise HarnessError(
                f"the environment {folder} was changed by a job and cannot be made anew: {fault}"
            )

    def _layer(self, lock: Lock, base: Lock) -> Lock:
        return lock.only(lock.versions().keys() - base.versions().keys())

    def _use(self, environment: Environment, lock: Lock) -> Environment:
        """Remember what is needed to make the environment and its base anew."""
        if environment.folder not in self.layers or environment.base not in self.bases:
            text = (environment.base / "lock.txt").read_text(encoding="utf-8")
            base = parse_lock(text)
            self.bases[environment.base] = base
            self.layers[environment.folder] = (self._layer(lock, base), lock, environment.base)
        return environment

    def base_folder(self, base: Lock) -> Path:
        """Return the folder of a base, whether it is there or not."""
        return self.state.environments / f"base-{base.digest[:20]}"

    def _ensure_base(self, base: Lock) -> Path:
        folder = self.base_folder(base)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):  # a base is big: the second process waits and finds it
            if find(folder) is None:
                self._install_base(folder, base)
        return folder

    def _install_base(self, folder: Path, base: Lock) -> None:
        count = len(base.packages)
        what = f"the {counted(count, 'package') if count > 1 else 'package'} that all environments share"
        told = self.told if count else lambda _line: None
        told(f"installing {what}")
        started = time.monotonic()
        fault = self._make(folder, base, base, None)
        if fault:
            raise BaseNotInstallableError(
                f"the packages that all environments share cannot be installed: {fault}; the next run resolves them anew"
            )
        self.base_seconds.append(time.monotonic() - started)
        told(f"installed {what} in {self.base_seconds[-1]:.1f} s")

    def _make(
        self, folder: Path, packages: Lock, lock: Lock, base: Path | None, *, anew: bool = False
    ) -> str:
        """Make one virtual environment; return why it could not be made, or an empty string."""
        started = time.monotonic()
        try:
            with whole_folder(folder, replace=lambda: anew or find(folder) is None) as new:
                self._fill(new, packages, base)
                write_atomic(new / "lock.txt", lock.text())
                seconds = round(time.monotonic() - started, 3)
                integrity.protect(new)
                integrity.describe(new)
                facts = {"lock": lock.digest, "base": base.name if base else None, "seconds": seconds}
                if base is None:
                    facts["size"] = size(new)
                write_atomic(new / MARKER, to_json(facts))
        except _InstallError as error:
            if error.failure is Failure.BUILD:
                failed_builds.remember(folder, str(error), confined=self.uv.confined)
            return str(error)
        except OSError as error:
            raise of_os_error(error, "an environment was made") from error
        return ""

    def _fill(self, new: Path, packages: Lock, base: Path | None) -> None:
        python = str(new / "bin" / "python")
        made = self.uv.run(
            *("venv", str(new), "--python", str(self.interpreter.path), "--relocatable", "--no-project"),
            *("--allow-existing", "--quiet"),
        )
        if made.failure is not None:
            doing = "a virtual environment was made"  # which holds nothing of a release yet
            raise machine_error(
                Failure.UNKNOWN if made.failure.of_release else made.failure, doing, made.reason
            )
        site = next((new / "lib").glob("python*/site-packages"))
        sources = self.torch.options
        if self.torch.host is not None:
            there = {"torch", *self.torch.host.beside}
            packages = packages.only(packages.versions().keys() - there)
            sources = ()  # nothing of its options is installed, and they would hide other folders
        wanted = new / "layer.txt"
        wanted.write_text(packages.with_hashes(self.rehashed).text(), encoding="utf-8")
        install = [
            *("pip", "install", "--python", python, "--no-deps", "--require-hashes", "--quiet"),
            *("--link-mode", "copy"),  # a hard link would let a job write into uv's cache
            *("-r", str(wanted)),
        ]
        # A constraint has done its work in the lock, and it has no hash.
        installed = self.uv.run(*install, *sources, without=("UV_CONSTRAINT",))
        if installed.code and self.torch.fallback:
            installed = self.uv.run(*install, without=("UV_CONSTRAINT",))
        if installed.failure is not None:
            self._check(installed)
            raise _InstallError(installed.reason, installed.failure)
        self._link(site, base)
        if base is not None:
            _share_programs(base, new)
        _compile(python, site, workers=1 if base is not None else 0)

    def _link(self, site: Path, base: Path | None) -> None:
        """Let an environment see the base, or the host's torch.

        That comes last: uv starts the Python of an environment to ask it what it is, and it would run what `.pth` files
        of the base say.
        """
        if base is not None:
            below = next((base / "lib").glob("python*/site-packages"))
            way = os.path.relpath(below, site)
            (site / LINK_TO_BASE).write_text(_TO_BASE.format(way=way), encoding="utf-8")
        elif self.torch.host is not None:
            (site / "harness-host-torch.pth").write_text(f"{self.torch.host.folder}\n", encoding="utf-8")

    def _check(self, outcome: Outcome) -> None:
        """Complain of a failure that says nothing of a release."""
        failure = outcome.failure
        refused = failure is Failure.REFUSED and not self._serves_others(refused_file(outcome.reason))
        if failure is not None and (refused or not failure.of_release):
            raise machine_error(failure, "an environment was filled", outcome.reason)

    def _serves_others(self, file: str) -> bool:
        return self.settings is not None and serves_others(file, self.settings)


class BaseNotInstallableError(HarnessError):
    """What all environments share cannot be installed."""


def _share_programs(base: Path, new: Path) -> None:
    """Give an environment the programs of the packages that it shares, of which none replaces one of its own.

    A script is copied: it starts the Python that lies beside it, which then finds the environment's own packages too.
    """
    for program in (base / "bin").iterdir():
        own = new / "bin" / program.name
        if own.exists():
            continue
        with program.open("rb") as opened:
            is_script = opened.read(2) == b"#!"
        if is_script:
            shutil.copy(program, own)
        else:
            own.symlink_to(os.path.relpath(program, own.parent))


def _compile(python: str, site: Path, workers: int) -> None:
    """Compile all modules, for a probe cannot keep what it compiles; what does not compile tells it when it is loaded.

    Without `site`, Python runs no `.pth` file of what was installed. uv's own --compile-bytecode runs them all.

    Args:
        python: Of the environment.
        site: Its packages.
        workers: Processes; 0 for as many as there are cores.
    """
    words = [python, "-I", "-S", "-m", "compileall", "-qq", "-j", str(workers), str(site)]
    subprocess.run(words, check=False, capture_output=True)


class _InstallError(Exception):
    """uv said no; carries its reason out of the folder's context."""

    def __init__(self, reason: str, failure: Failure) -> None:
        super().__init__(reason)
        self.failure = failure


def find(folder: Path) -> Environment | None:
    """Return the finished environment in `folder`, or None: its marker, and that of its base, must be there."""
    try:
        facts = read_json(folder / MARKER)
        base = folder.parent / (facts["base"] or folder.name)
        found = Environment(folder, str(facts["lock"]), base, float(facts["seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = all((place / name).exists() for place in {folder, base} for name in (MARKER, integrity.STATE))
    return found if whole else None


def remove(folder: Path) -> None:
    """Remove an environment; from the first moment on it is none, even if the removal is interrupted."""
    (folder / MARKER).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def size(folder: Path) -> int:
    """Return the bytes on disk that removing `folder` would free; a file with n links counts for 1/n."""
    total = 0.0
    for place, _, names in os.walk(folder):
        for name in names:
            facts = os.lstat(os.path.join(place, name))  # noqa: PTH118 - tens of thousands of files
            total += facts.st_blocks * 512 / facts.st_nlink
    return int(total)
