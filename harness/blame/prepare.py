"""A question about two environments made ready: both read, both locked, and a session that executes their mixtures."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from harness.blame.comparison import BAD, GOOD, Comparison
from harness.blame.rebuild import Rebuilt, rebuild
from harness.cause.mixed_locks import MixedLocks
from harness.cause.mixtures import Mixtures
from harness.errors import ToolMissingError, UsageError
from harness.locks.interpreter import find_interpreter
from harness.locks.lock import Lock, differences
from harness.locks.torch import has_gpu
from harness.probes.store import Store
from harness.releases.release import Release
from harness.runs.answer import check_commits
from harness.sessions.asked import Asked, check_place
from harness.sessions.calibrate import calibrate
from harness.sessions.driver import Driver
from harness.sessions.prepare import make_environments, make_resolver, start
from harness.sessions.provider import provide
from harness.sessions.subject import ENVIRONMENT, load_subject
from harness.snapshots import AsOf, Snapshot, read
from harness.verdicts.oracles import compares
from harness.version import minor_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.locks.interpreter import Interpreter
    from harness.model.question import Ends, Place, Question
    from harness.sessions.driver import Watcher
    from harness.state import State
    from harness.uv import Uv

Snapshots = tuple[Snapshot | AsOf, Snapshot | AsOf]


@dataclass(frozen=True, slots=True)
class BlameAsked:
    """A question about two environments with all that it names.

    Attributes:
        asked: Scenario, its one arm and place; no package is under test.
        snapshots: The good and the bad environment as they were read.
    """

    asked: Asked
    snapshots: Snapshots

    @property
    def given(self) -> tuple[str, str]:
        """Both environments as the command line names them."""
        return self.asked.question.ends.good, self.asked.question.ends.bad


@dataclass(slots=True)
class Prepared:
    """Both environments with one Python, ready to be executed.

    Attributes:
        rebuilt: The good and the bad environment, each as a lock or the reason why there is none.
        comparison: Executes; None where a lock is missing.
    """

    interpreter: Interpreter
    rebuilt: tuple[Rebuilt, Rebuilt]
    comparison: Comparison | None


def ask_blame(question: Question, place: Place) -> BlameAsked:
    """Make a question about two environments ready: nothing is downloaded yet.

    Raises:
        UsageError: An environment is missing or cannot be read; scenario, arm or an option is wrong.
    """
    check_place(place)
    check_commits(question)
    ends = question.ends
    if not ends.good or not ends.bad:
        lacking = "--good" if not ends.good else "--bad"
        raise UsageError(
            f"{lacking} ENV is missing: `blame` compares two environments, each given as a lock, a list of packages, the "
            "path of a Python, or a date"
        )
    scenario = load_subject(question)
    arms = scenario.choose(question.job.arms)
    if len(arms) > 1:
        raise UsageError(
            f"scenario {scenario.name} has {len(arms)} arms ({', '.join(arm.name for arm in arms)}): one of them "
            "fails in the bad environment; name it by --arm"
        )
    python = _version_of(question.holds.python)
    snapshots = (read(ends.good, python=python), read(ends.bad, python=python))
    _check_unlike(ends, snapshots)
    arm = replace(arms[0], parameters={**arms[0].parameters, **dict(question.job.settings)})
    asked = Asked(
        question=question,
        scenario=scenario,
        package=ENVIRONMENT,
        arms=[arm],
        place=place,
        held=f"{ends.bad} after {ends.good}",
    )
    return BlameAsked(asked, snapshots)


def _version_of(python: str | None) -> str | None:
    """Return the version whose markers hold, where the command line names one."""
    return python if python and python.replace(".", "").isdecimal() else None


def _check_unlike(ends: Ends, snapshots: Snapshots) -> None:
    """Complain of two environments that are one.

    Raises:
        UsageError: So they are.
    """
    good, bad = snapshots
    if isinstance(good, AsOf) or isinstance(bad, AsOf):
        same = good == bad
    else:
        unlike = {one.name: one.version for one in good.obstacles} != {
            one.name: one.version for one in bad.obstacles
        }
        same = good.versions() == bad.versions() and not unlike and good.python == bad.python
    if same:
        raise UsageError(
            f"--good {ends.good} and --bad {ends.bad} hold the same packages: there is no change between them that "
            "could do anything; compare what else differs (Python, platform, variables, data)"
        )


def interpreters(asked: BlameAsked, uv: Uv, note: list[str]) -> tuple[Interpreter, Interpreter]:
    """Return the Python of the good and of the bad environment; the same where they do not differ in it.

    Args:
        asked: Its lists may name a Python; so may the command line and the scenario.
        uv: Finds interpreters.
        note: Takes what a reader must know.

    Raises:
        ToolMissingError: No Python that is asked for can be had.
    """
    scenario = asked.asked.scenario
    if asked.asked.question.holds.python:
        found = find_interpreter(scenario.python, uv)
        return found, found
    exact = [_exact(snapshot) for snapshot in asked.snapshots]
    if all(exact) and exact[0] != exact[1]:
        return _both(exact[0], exact[1], uv, note)
    allowed = SpecifierSet(",".join([scenario.python, *map(_allowed, asked.snapshots)]))
    found = find_interpreter(next(filter(None, exact), str(allowed)), uv)
    return found, found


def _both(good: str, bad: str, uv: Uv, note: list[str]) -> tuple[Interpreter, Interpreter]:
    found: list[Interpreter | None] = []
    for wanted in (good, bad):
        try:
            found.append(find_interpreter(wanted, uv))
        except ToolMissingError as error:
            found.append(None)
            missing = error
    first, second = found
    if first is None and second is None:
        raise missing
    if first is None or second is None:
        there = first or second
        assert there is not None  # noqa: S101 - one of both
        lacking = (good if first is None else bad).removeprefix("==").removesuffix(".*")
        note.append(
            f"the environments have different Pythons, and Python {lacking} is not on this machine: both were rebuilt "
            f"with {there.version}, so that Python is not compared"
        )
        return there, there
    return first, second


def _exact(snapshot: Snapshot | AsOf) -> str:
    """Return the specifier of the Python that a list names; empty where it names none."""
    if isinstance(snapshot, AsOf) or not snapshot.python:
        return ""
    return f"=={minor_of(snapshot.python)}.*"


def _allowed(snapshot: Snapshot | AsOf) -> str:
    """Return the specifier of the Pythons that a list allows; empty where it does not say."""
    return "" if isinstance(snapshot, AsOf) else snapshot.requires_python


@contextmanager
def prepare(
    asked: BlameAsked,
    interpreter: Interpreter,
    state: State,
    watcher: Watcher,
) -> Iterator[Prepared]:
    """Lock both environments for one Python, and yield them with what executes their mixtures.

    Args:
        asked: The question.
        interpreter: The Python.
        state: Where state lives.
        watcher: Is told.

    Raises:
        HarnessError: As the parts say.
    """
    question = asked.asked
    pins = question.pins() if question.scenario.package != ENVIRONMENT else list(question.scenario.pins)
    resolver = make_resolver(question, state, package="", pins=pins, interpreter=interpreter)
    gpu = question.question.holds.device != "cpu" and has_gpu()
    rebuilt = rebuild(asked.given, asked.snapshots, resolver, gpu=gpu)
    good, bad = (one.lock for one in rebuilt)
    prepared = Prepared(resolver.interpreter, rebuilt, None)
    if not isinstance(good, Lock) or not isinstance(bad, Lock):
        yield prepared
        return
    arm = question.arms[0]
    mixed = replace(arm, name=f"{arm.name}, mixtures", of=arm.name)
    both = replace(question, arms=[arm, mixed])
    releases, locks = [Release("good")], [good]
    with (
        provide(both, Store(state), watcher.note) as provider,
        start(
            both,
            provider,
            releases=releases,
            locks=locks,
            reference=bad,
            resolver=resolver,
            environments=make_environments(both, resolver, watcher.note).sharing([bad, good]),
            note=watcher.note,
            warm=False,  # a warm parent has loaded what differs
        ) as session,
    ):
        if compares(question.scenario.oracle):
            calibrate(session, arm)  # the good environment alone can be what others are compared with
            session.calibrations.update(
                {
                    name: replace(found, comparisons=_MOST_COMPARED)
                    for name, found in session.calibrations.items()
                }
            )
        releases.append(Release("bad"))
        locks.append(bad)
        changes = tuple(one for one in differences(good, bad) if one.before != one.after)
        mixtures = MixedLocks(resolver, good, bad, changes)
        prepared.comparison = Comparison(
            Mixtures(Driver(session, watcher), mixtures, (GOOD, BAD), arm.name, mixed.name)
        )
        yield prepared


_MOST_COMPARED = 40
"""Mixtures that are compared with the good environment, by which the confidence of each comparison is chosen."""
