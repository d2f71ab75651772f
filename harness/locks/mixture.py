"""A mixture of two locks: some packages as one lock has them, all others as the other one; uv resolves or refuses it.

Every version of a mixture is one of the two locks', with that lock's hashes, so that what a mixture does says
something of these two and of nothing else. Where the versions do not go together, the mixture carries the requirements
that are in the way, read from the metadata of the installed packages. It can still be installed against them, for an
environment is made from its lock without asking again; whoever does that must say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.files import read_json, to_json, write_cache
from harness.locks.resolve import Unresolvable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.locks.interpreter import Interpreter
    from harness.locks.lock import Lock
    from harness.locks.resolve import Resolver

Requirements = dict[tuple[str, str], tuple[str, ...]]
"""{(name, version): requirements as its metadata states them}."""


@dataclass(frozen=True, slots=True)
class Tie:
    """A stated requirement that binds two packages.

    Attributes:
        package, version: Who requires.
        name: Of the package that is required.
        requirement: As `helper>=2`.
    """

    package: str
    version: str
    name: str
    requirement: str

    def __str__(self) -> str:
        """Say it in a few words."""
        return f"{self.package} {self.version} requires {self.requirement}"


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixed lock.

    Attributes:
        lock: What is installed; where it is refused, against what its packages require.
        refused: Why uv refuses it, in uv's words; empty if the versions go together.
        ties: The requirements in the way, as far as metadata tell them; empty if the versions go together.
    """

    lock: Lock
    refused: str = ""
    ties: tuple[Tie, ...] = ()


def mixed(base: Lock, other: Lock, names: Collection[str]) -> Lock:
    """Return `base` with the packages named as `other` has them: one that `other` has not is left out."""
    kept = [package for package in base.packages if package.name not in names]
    taken = [package for package in other.packages if package.name in names]
    return replace(base, packages=tuple(sorted([*kept, *taken])))


def mix(
    resolver: Resolver, base: Lock, other: Lock, names: Collection[str], requirements: Requirements
) -> Mixture:
    """Return a mixture of two locks, and whether uv resolves it to just these versions.

    A package that one of the locks has not stays as long as another one of the mixture needs it.

    Args:
        resolver: Asks uv.
        base: The lock that most comes from.
        other: The lock that the packages named come from.
        names: Canonical names.
        requirements: Of the packages of both locks, to name what is in the way.

    Raises:
        HarnessError: The index is out of reach.
    """
    lock = mixed(base, other, names)
    ties = tuple(contradicted(lock, requirements, resolver.interpreter))
    reason, needed = _checked(resolver, lock, ties)
    if not reason and not needed:
        return Mixture(lock)
    if needed:
        entries = [one for one in (*base.packages, *other.packages) if one.name in needed]
        whole = replace(lock, packages=tuple(sorted({*lock.packages, *entries})))
        reason = f"they need {', '.join(sorted(needed))} besides"
        possible = {one.name for one in entries} == needed and _checked(resolver, whole, ()) == ("", set())
        if possible and whole.packages not in (base.packages, other.packages):
            return Mixture(whole)
    return Mixture(lock, reason, ties)


def contradicted(lock: Lock, requirements: Requirements, interpreter: Interpreter) -> list[Tie]:
    """Return the requirements that the versions of a lock contradict, those of extras left out."""
    versions = lock.versions()
    return [
        tie
        for name, version in versions.items()
        for tie, wanted in stated(name, version, requirements, interpreter)
        if not met(wanted, versions.get(tie.name))
    ]


def stated(
    name: str, version: str, requirements: Requirements, interpreter: Interpreter
) -> list[tuple[Tie, Requirement]]:
    """Return what a release requires with an interpreter, those of extras left out."""
    about = {
        "python_version": interpreter.minor,
        "python_full_version": interpreter.version,
        "extra": "",
    }
    found = []
    for text in requirements.get((name, version), ()):
        wanted = _requirement(text)
        if wanted is None or (wanted.marker is not None and not wanted.marker.evaluate(about)):
            continue
        required = str(canonicalize_name(wanted.name))
        found.append((Tie(name, version, required, f"{required}{_in_order(wanted)}"), wanted))
    return found


def met(wanted: Requirement, version: str | None) -> bool:
    """Tell whether a version, or the absence of the package, meets a requirement."""
    return version is not None and wanted.specifier.contains(version, prereleases=True)


@cache  # a mixture is held against all requirements of two locks, many times over
def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:  # old metadata; uv has its own ways with them
        return None


def _in_order(wanted: Requirement) -> str:
    return ",".join(sorted(map(str, wanted.specifier), key=lambda one: one.lstrip("<>=!~")))


def _checked(resolver: Resolver, lock: Lock, ties: Sequence[Tie]) -> tuple[str, set[str]]:
    """Return why uv refuses the versions of a lock, and which packages they need besides.

    What the files that the hashes name require is settled for good, so it is kept by the lock's digest. A refusal for
    which no requirement is known may have another reason, and is not kept.
    """
    path = resolver.state.locks / f"mixture-{lock.digest[:32]}.json"
    try:
        facts = read_json(path)
        return str(facts["reason"]), set(facts["needs"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    answer = resolver.exactly(lock)
    if isinstance(answer, Unresolvable):
        reason, needs = answer.reason or "uv gives no reason", set()
    else:
        reason, needs = "", set(answer.versions().keys() - lock.versions().keys())
    if ties or not reason:
        write_cache(path, to_json({"reason": reason, "needs": sorted(needs)}))
    return reason, needs
