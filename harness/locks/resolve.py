"""uv resolves pins and one release into a lock; policy `fixed` keeps everything else as the reference has it.

The reference is resolved once from the pins and the package, and stored: a newer numpy does not change
tomorrow's locks. Every release is resolved with the reference as preference, so that a package moves only where
the release's own requirements force it, and each move is listed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from harness.failures import Failure, machine_error, refused_file
from harness.files import scratch_folder
from harness.locks.files import read_lock, write_lock
from harness.locks.lock import Lock, askers, parse_packages
from harness.releases.refused import release_of, serves_others
from harness.uv import NO_BUILD

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from harness.locks.interpreter import Interpreter
    from harness.locks.lock import Move
    from harness.locks.torch import TorchSource
    from harness.releases.settings import IndexSettings
    from harness.state import State
    from harness.uv import Outcome, Uv

_QUESTION = "requirements.in"
HELD = ("torch", "setuptools")
"""Taken as the index has them now wherever it is asked as it stood at a moment: a wheel of torch may be of no known date,
and today's one needs a setuptools of today."""


_CONSTRAINED = " (the constraints of your pip or uv settings are among the requirements)"


@dataclass(frozen=True, slots=True)
class Unresolvable:
    """A release for which no lock exists, with the resolver's own reason.

    Attributes:
        refused: Address of the file that the index refused, where that is the reason.
    """

    reason: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Makes locks for one scenario on one machine.

    Attributes:
        package: Canonical name of the package under test.
        pins: Requirements that hold everywhere.
        target: Options for uv that say for which other machine locks are made.
        notes: What a reader of the report must know: damaged locks.
        newest: The reference takes no newer release than this one; None takes the newest of all.
        days: {version: end of the day of its upload}: releases are locked as the index stood then, one without a day is
            not locked; empty for policy `fixed`.
    """

    package: str
    pins: Sequence[str]
    interpreter: Interpreter
    torch: TorchSource
    settings: IndexSettings
    uv: Uv
    state: State
    newest: str | None = None
    target: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)
    days: Mapping[str, datetime] = field(default_factory=dict)

    def reference(self) -> Lock | Unresolvable:
        """Return the lock of the pins with the newest release that they allow: what all environments share.

        Unresolvable, if no release goes with the pins.

        Raises:
            HarnessError: The machine or the index failed.
        """
        return self._read(self._reference_path()) or self.refresh()

    def refresh(self) -> Lock | Unresolvable:
        """Resolve the reference anew and store it; where that cannot be done, what is stored stays.

        Raises:
            HarnessError: The machine or the index failed.
        """
        refused: list[str] = []
        wanted = self._newest()
        lock, _ = self._resolve([*self.requirements(), wanted], preference=None)
        while isinstance(lock, Unresolvable) and (version := self._refused(lock)) not in {"", *refused}:
            refused.append(version)
            without = ",".join(f"!={one}" for one in refused)
            wanted = f"{self._newest()}{',' if self.newest else ''}{without}"
            lock, _ = self._resolve([*self.requirements(), wanted], preference=None)
        if isinstance(lock, Lock):
            write_lock(self._reference_path(), lock)
        return lock

    def lock(self, version: str, reference: Lock) -> Lock | Unresolvable:
        """Return the lock of one release, from the store if it was resolved before.

        Raises:
            HarnessError: The machine or the index failed.
        """
        return self.stored(version, reference) or self.resolve(version, reference)[0]

    def stored(self, version: str, reference: Lock) -> Lock | None:
        """Return the lock of one release if it was resolved before."""
        return self._read(self._of_release(version, reference))

    def keep(self, version: str, reference: Lock, lock: Lock) -> Lock:
        """Store the lock of one release, and return it."""
        write_lock(self._of_release(version, reference), lock)
        return lock

    def resolve(self, version: str, reference: Lock) -> tuple[Lock | Unresolvable, bool]:
        """Resolve one release and store its lock.

        Returns:
            The lock, and whether nothing but the question itself asks for the package under test.

        Raises:
            HarnessError: The machine or the index failed.
        """
        if self.days:
            lock, alone = self._of_its_day(version), False
        else:
            lock, alone = self._resolve(
                [*self.requirements(), f"{self.package}=={version}"], preference=reference
            )
        return (self.keep(version, reference, lock) if isinstance(lock, Lock) else lock), alone

    def forget(self, version: str, reference: Lock) -> None:
        """Resolve a release anew the next time: it may have got other files since."""
        self._of_release(version, reference).unlink(missing_ok=True)

    def forget_reference(self) -> None:
        """Resolve what all environments share anew the next time: the index may have other files by then."""
        self._reference_path().unlink(missing_ok=True)

    def as_before(self, version: str, before: Lock, moved: Collection[Move]) -> Lock | Unresolvable:
        """Return the lock of a release with the packages that an earlier reference had.

        Args:
            version: Of the release.
            before: The earlier reference; its versions are preferred.
            moved: What moved since then: where the pins name it, any version will do.

        Raises:
            HarnessError: The machine or the index failed.
        """
        pins = {str(canonicalize_name(Requirement(pin).name)): pin for pin in self.requirements()}
        names = {move.name for move in moved}
        loose = {name: _any_version(pin) if name in names else pin for name, pin in pins.items()}
        gone = [move.name for move in moved if move.after is None]  # what asked for it is gone as well
        wanted = [*loose.values(), *gone, f"{self.package}=={version}"]
        return self._resolve(wanted, preference=before)[0]

    def possible(self, lock: Lock) -> str:
        """Return why the versions of a lock do not go together; empty if the resolver gives just them.

        Raises:
            HarnessError: The machine or the index failed.
        """
        wanted, found = lock.versions(), self.exactly(lock)
        if isinstance(found, Unresolvable):
            return found.reason
        more = sorted(found.versions().keys() - wanted.keys())
        return f"they need {', '.join(more)} besides" if more else ""

    def exactly(self, lock: Lock) -> Lock | Unresolvable:
        """Return what uv makes of the versions of a lock: just them, or with what they need besides.

        Raises:
            HarnessError: The index is out of reach.
        """
        wanted = [f"{name}=={version}" for name, version in lock.versions().items()]
        return self._resolve(wanted, preference=lock)[0]

    def as_listed(self, versions: Mapping[str, str]) -> Lock | Unresolvable:
        """Return the lock of just these versions, whether their requirements agree or not.

        A list says what an environment held, and pip makes environments that contradict themselves.

        Raises:
            HarnessError: The index is out of reach.
        """
        wanted = [f"{name}=={version}" for name, version in versions.items()]
        alone = replace(self, target=(*self.target, "--no-deps"))
        lock = alone._resolve(wanted, preference=None)[0]  # noqa: SLF001 - of the same class
        return lock if isinstance(lock, Unresolvable) else self._hashed(lock)

    def _hashed(self, lock: Lock) -> Lock:
        """Return a lock with the hashes of files in folders, which uv computes only where it asks for requirements."""
        bare = [f"{one.name}=={one.version}" for one in lock.packages if not one.hashes]
        found = self._resolve(bare, preference=None)[0] if bare else None
        if not isinstance(found, Lock):
            return lock
        known = {(one.name, one.version): one for one in found.packages}
        packages = (one if one.hashes else known.get((one.name, one.version), one) for one in lock.packages)
        return replace(lock, packages=tuple(packages))

    def as_of(self, moment: datetime, held: Collection[str] = ()) -> Lock | Unresolvable:
        """Return the lock of the pins as the index stood at a moment.

        Args:
            moment: Uploads up to then count; with a time zone.
            held: Packages that are taken from all that the index has now.

        Raises:
            HarnessError: The index is out of reach.
        """
        return self._as_of(self.requirements(), moment, held)

    def _as_of(self, requirements: list[str], moment: datetime, held: Collection[str]) -> Lock | Unresolvable:
        options = ["--exclude-newer", moment.isoformat()]
        for name in held:
            options += ["--exclude-newer-package", f"{name}={datetime.now(UTC).isoformat()}"]
        then = replace(self, target=(*self.target, *options))
        found = then._resolve(requirements, preference=None)[0]  # noqa: SLF001 - of the same class
        return replace(found, policy=f"as-of {moment:%Y-%m-%d}") if isinstance(found, Lock) else found

    def _of_its_day(self, version: str) -> Lock | Unresolvable:
        """Return the lock of a release as the index stood at the end of the day of its upload.

        Versions that pins name may be newer than that day: where nothing resolves with them, they are dropped, but for
        those of `HELD`.
        """
        moment = self.days.get(version)
        if moment is None:
            return Unresolvable(
                "the index does not tell when it was uploaded, so nothing is known of its day"
            )
        own, pins = f"{self.package}=={version}", self.requirements()
        found = self._as_of([*pins, own], moment, HELD)
        loose = [
            pin if canonicalize_name(Requirement(pin).name) in HELD else _any_version(pin) for pin in pins
        ]
        if isinstance(found, Lock) or loose == pins:
            return found
        second = self._as_of([*loose, own], moment, HELD)
        return second if isinstance(second, Lock) else found

    def requirements(self) -> list[str]:
        """Return the pins in force: with the host's torch, its version stands in place of the scenario's."""
        host = self.torch.host
        if host is None:
            return list(self.pins)
        others = [pin for pin in self.pins if canonicalize_name(Requirement(pin).name) != "torch"]
        return [*others, f"torch=={host.version}"]

    def _resolve(self, requirements: list[str], preference: Lock | None) -> tuple[Lock | Unresolvable, bool]:
        preference = self._preferable(requirements, preference)
        outcome, text = self._compile(requirements, preference, self.torch.options)
        if outcome.code and self.torch.fallback:
            outcome, text = self._compile(requirements, preference, ())
        if outcome.failure is not None:
            asked = requirements[-1]
            self._check(outcome, f"{asked} was resolved")
            if outcome.failure is Failure.REFUSED:
                return Unresolvable(outcome.reason, refused_file(outcome.reason)), False
            constrained = _CONSTRAINED if self.uv.environment().get("UV_CONSTRAINT") else ""
            return Unresolvable(outcome.reason + constrained), False
        lock = Lock(parse_packages(text), "fixed", self.interpreter.minor, self.interpreter.platform)
        return lock, askers(text, self.package) == [_QUESTION]

    def _check(self, outcome: Outcome, doing: str) -> None:
        """Complain of a failure that says nothing of a release."""
        failure, file = outcome.failure, refused_file(outcome.reason)
        refused = failure is Failure.REFUSED and not serves_others(file, self.settings)
        if failure is not None and (refused or not failure.of_release):
            raise machine_error(failure, doing, outcome.reason)

    def _preferable(self, requirements: Sequence[str], preference: Lock | None) -> Lock | None:
        """Return what uv is asked to prefer: of several merged indexes nothing that a requirement pins anyway.

        uv looks for a preferred version in the first index that has it, merged or not. Where that index has only
        wheels for another Python, uv refuses a requirement of just that version; without a preference it does not.
        """
        if preference is None or not (self.settings.extra and self.settings.merged):
            return preference
        pinned = {str(canonicalize_name(one.name)) for one in map(Requirement, requirements) if _exact(one)}
        return preference.only(preference.versions().keys() - pinned)

    def _refused(self, lock: Unresolvable) -> str:
        """Return the release of the package under test whose file the index refuses; empty if that is not why."""
        package, version = release_of(lock.refused) if lock.refused else ("", "")
        return version if package == self.package else ""

    def _read(self, path: Path) -> Lock | None:
        return read_lock(path, self.state.root, self.notes.append)

    def _compile(
        self, requirements: list[str], preference: Lock | None, options: Sequence[str]
    ) -> tuple[Outcome, str]:
        with scratch_folder("lock") as folder:
            wanted, result = folder / _QUESTION, folder / "lock.txt"
            wanted.write_text("\n".join(requirements) + "\n", encoding="utf-8")
            if preference is not None:
                result.write_text(preference.text(), encoding="utf-8")
            outcome = self.uv.run(
                *("pip", "compile", str(wanted), "--output-file", str(result), "--quiet"),
                *("--generate-hashes", "--no-header", "--python", str(self.interpreter.path)),
                *options,
                *self.target,
            )
            text = result.read_text(encoding="utf-8") if outcome.code == 0 else ""
        return outcome, text

    def _newest(self) -> str:
        # A specifier of order takes no local version, and `<=2.0` allows 2.0+cpu (PEP 440).
        return f"{self.package}<={self.newest.partition('+')[0]}" if self.newest else self.package

    def _reference_path(self) -> Path:
        return self._path("reference", *([self._newest()] if self.newest else []))

    def _of_release(self, version: str, reference: Lock) -> Path:
        day = [f"as-of {self.days[version].isoformat()}"] if version in self.days else []
        return self._path(f"{self.package}=={version}", *(day or [reference.digest]))

    def _path(self, *question: str) -> Path:
        settings = self.settings
        asked = [
            *(
                question,
                self.package,
                list(self.requirements()),
                self.interpreter.minor,
                self.interpreter.platform,
            ),
            *(self.torch.choice, settings.index, settings.extra, settings.find_links),
            *([NO_BUILD] if NO_BUILD in settings.uv_environment else []),
        ]
        digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
        return self.state.locks / f"{digest[:32]}.txt"


def _exact(requirement: Requirement) -> bool:
    """Return whether one version alone will do."""
    return any(part.operator == "==" and not part.version.endswith(".*") for part in requirement.specifier)


def _any_version(pin: str) -> str:
    """Return a requirement without its versions; extras and marker stay."""
    loose = Requirement(pin)
    loose.specifier, loose.url = SpecifierSet(), None
    return str(loose)
