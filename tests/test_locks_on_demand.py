"""Locks are resolved when they are asked for: few of them by a search, beside the probes by a sweep."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from states import own_state
from toyindex import ToyIndex, wheel

import harness
from harness.errors import MachineError, UsageError
from harness.executors.launchers import Launchers
from harness.executors.local import Local
from harness.failures import Failure
from harness.model.question import Axis, Holds, Plan, Question, Subject
from harness.sessions.driver import Silent
from harness.uv import Outcome, Uv

COUNT, FIRST_BAD = 30, 17


@pytest.fixture(scope="module")
def index():
    """Thirty releases, no two of which have equal requirements; a few move a package that all environments share."""
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", ""), wheel("helper", "2.0", ""))
        for number in range(COUNT):
            moved = number in (9, 10, 13, 14)
            requires = (f"helper!=0.{number}", *(["helper<2"] if moved else []))
            index.add("toy", wheel("toy", f"1.{number}", f"number = {number}", requires=requires))
        yield index


@pytest.fixture
def resolutions(toy, index, monkeypatch):
    """A fresh state directory; returns what uv was asked to resolve, in order, and lets `hook` look at each first."""
    asked: list[str] = []
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    (toy / "repro.py").write_text(f"import toy, helper\nassert toy.number < {FIRST_BAD}\n", encoding="utf-8")
    own = Uv.run

    def run(self, *arguments, **options):
        if arguments[:2] == ("pip", "compile"):
            asked.append(Path(arguments[2]).read_text(encoding="utf-8").split()[-1])
            failed = hooks[-1](asked[-1])
            if failed is not None:
                return failed
        return own(self, *arguments, **options)

    hooks = [lambda _requirement: None]
    monkeypatch.setattr(Uv, "run", run)
    return asked, hooks


def ask(first="1.0", last=f"1.{COUNT - 1}", search="binary", **holds):
    return Question(
        subject=Subject(command=("python", "repro.py")),
        axes=(Axis(package="toy", first=first, last=last),),
        holds=Holds(pins=("helper",), **holds),
        plan=Plan(search=search),
    )


def test_a_binary_search_resolves_its_ends_and_midpoints_alone(toy, resolutions):
    asked, _ = resolutions
    report = harness.bisect(ask())
    (arm,) = report.arms
    assert [(one.before, one.after) for one in arm.boundaries] == [(f"1.{FIRST_BAD - 1}", f"1.{FIRST_BAD}")]
    executed = {release.version for release in arm.releases if release.verdict != "untested"}
    assert {f"toy=={version}" for version in executed} == {one for one in asked if "==" in one}
    assert len(asked) == 1 + len(executed) <= 14, asked
    folder = toy / "reports" / report.run
    kept = {path.stem for path in (folder / "locks").glob("*.txt")}
    assert kept == {*executed, "reference"}
    assert report.environment["proof"].startswith(f"{len(executed) - len(report.environment['moves'])} of ")
    # The same question with the run's locks resolves and executes nothing, one that needs others resolves those.
    asked.clear()
    again = harness.bisect(ask(locks=str(folder)))
    assert not asked
    assert [one.verdict for one in again.arms[0].releases] == [one.verdict for one in arm.releases]
    others = harness.bisect(ask("1.4", "1.6", search="sweep", locks=str(folder)))
    assert [one.verdict for one in others.arms[0].releases] == ["good"] * 3
    assert {f"1.{number}" for number in (4, 5, 6)} - executed == {one.partition("==")[2] for one in asked}


class Events(Silent):
    def __init__(self):
        self.probing = threading.Event()

    def started(self, arm, version, repeat):
        self.probing.set()


def test_a_sweep_executes_while_it_resolves(resolutions):
    asked, hooks = resolutions
    events, waited = Events(), []

    def hook(requirement):
        if len(asked) > 3:  # the reference and the ends stand
            waited.append(events.probing.wait(timeout=60))

    hooks.append(hook)
    report = harness.bisect(ask("1.11", "1.18", search="sweep"), progress=events)
    assert len(waited) == 6
    assert all(waited), "no probe began before all locks were resolved"
    assert [one.verdict for one in report.arms[0].releases] == ["good"] * 6 + ["bad"] * 2
    # 1.13 and 1.14 have another helper than both ends, and nothing of the shared one.
    assert set(report.environment["moves"]) == {"1.13", "1.14"}


@pytest.fixture
def open_executors(monkeypatch):
    """Executors that were made and not closed again."""
    opened: list[Local] = []
    begin, close = Local.__init__, Local.close

    def __init__(self, *arguments, **options):  # noqa: N807 - in its place
        begin(self, *arguments, **options)
        opened.append(self)

    def closing(self):
        opened.remove(self)
        close(self)

    monkeypatch.setattr(Local, "__init__", __init__)
    monkeypatch.setattr(Local, "close", closing)
    return opened


def test_what_fails_for_the_machines_sake_in_mid_run_is_no_skip_and_the_run_goes_on(
    resolutions, open_executors
):
    _, hooks = resolutions
    full = Outcome(2, "", "No space left on device", Failure.DISK)
    hooks.append(lambda requirement: full if requirement == "toy==1.14" else None)
    for search in ("binary", "sweep"):
        with pytest.raises(MachineError, match=r"toy==1\.14 was resolved"):
            harness.bisect(ask("1.11", "1.18", search=search))
        assert not open_executors
        assert threading.active_count() < 20
    hooks.append(lambda _requirement: None)
    report = harness.bisect(ask("1.11", "1.18", search="sweep"))
    assert [one.verdict for one in report.arms[0].releases] == ["good"] * 6 + ["bad"] * 2


class RefusedError(Exception):
    pass


def refuse(*_arguments, **_options):
    raise RefusedError


@pytest.mark.parametrize(
    "where", ["harness.sessions.driver.psutil.virtual_memory", "harness.scenario.Scenario.job_digest", "plan"]
)
def test_an_executor_is_closed_whatever_fails(resolutions, open_executors, monkeypatch, where):
    question = ask("1.11", "1.12", search="sweep")
    if where == "plan":  # which the investigation complains of, when all is prepared
        question = replace(question, plan=Plan(search="sweep", assume=(("9.9", "good"),)))
    else:
        monkeypatch.setattr(where, refuse)
    made: list[Launchers] = []
    monkeypatch.setattr(
        Launchers, "close", lambda self, own=Launchers.close: (made.append(self), own(self))[1]
    )
    with pytest.raises((RefusedError, UsageError)):
        harness.bisect(question)
    assert not open_executors
    assert len(made) == 1
