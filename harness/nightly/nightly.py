"""A night: every watch is walked, what is told is written, the site is published. It may be killed at any moment.

What is found is written to the history a watch at a time, as a whole. A night that did not end is carried on by
the next one, under its own number and date, so that nothing is told twice and nothing is lost.
"""

from __future__ import annotations

import platform
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from harness.errors import HarnessError, UsageError
from harness.history.facts import Event
from harness.history.history import History
from harness.history.record import Recorded
from harness.nightly.files import standings, write_files
from harness.nightly.lock import only_night
from harness.nightly.night import Night
from harness.nightly.story import code, headline, ranked
from harness.nightly.watch import walk
from harness.runs.write import point_latest
from harness.site.publish import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.nightly.config import Config
    from harness.nightly.files import Standing
    from harness.sessions.driver import Watcher
    from harness.state import State

_STALE = timedelta(hours=12)
"""Age of an interrupted night from which on the watches that it had finished are walked again."""


@dataclass(frozen=True, slots=True)
class Told:
    """A night that has ended.

    Attributes:
        events: The gravest first.
        code: Exit status.
        folder: Its files.
        lines: Where everything stands.
    """

    headline: str
    events: Sequence[Event]
    code: int
    folder: Path
    lines: Sequence[Standing]


def nightly(
    config: Config,
    state: State,
    watcher: Watcher,
    now: datetime | None = None,
    *,
    as_of: datetime | None = None,
    wait: bool = False,
) -> Told:
    """Walk every watch, and tell what is new since the last night.

    Args:
        config: What to watch.
        state: Where the history and all other state is.
        watcher: Is told how it goes on.
        now: Date of the night; None for the real one.
        as_of: Look at the index as it stood then, later releases left out; it is the night's date too.
        wait: Wait for another night that holds the lock.

    Raises:
        UsageError: `as_of` lies before a night that was.
        HarnessError: Another night holds the lock, or the history cannot be used.
    """
    now = as_of or now or datetime.now(UTC)
    with only_night(state, watcher, wait=wait), closing(History.open(state)) as history:
        _in_order(history, now, watcher)
        number, started = history.begin(now, platform.node())
        if now - started > _STALE:
            history.walk_again(number)
        until = as_of.astimezone(UTC).isoformat(timespec="seconds") if as_of else ""
        affords = _budget(config, history, number)
        budget = _said(config)
        for watch in config.watches:
            if watch.name in history.walked(number):
                continue
            night = Night(number, started, config.reports, until, affords, budget)
            arms = [arm.name for arm in watch.arms]
            recorded = Recorded(
                *(watcher, state),
                scenario=watch.scenario.name,
                package=watch.package,
                arms=arms,
                night=number,
            )
            with closing(recorded):
                walk(watch, night, history, state, recorded)
        told = _end(config, history, number, started)
        try:
            history.back_up(state)
        except (OSError, sqlite3.Error) as error:
            watcher.note(f"warning: the history could not be copied: {error}")
        return told


def _end(config: Config, history: History, number: int, started: datetime) -> Told:
    """Write the files, publish, and let the night be over."""
    _publish(config, history, number)
    events = history.events(number)
    lines = standings(config, history)
    ended = datetime.now(UTC)
    folder = config.reports / "nightly" / _name(history, number, started)
    facts = {
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "host": platform.node(),
        "executions": history.executed(number),
    }
    write_files(folder, facts, events, lines)
    point_latest(folder.parent, folder)
    history.end(number, ended, code(events), headline(events))
    return Told(headline(events), ranked(events), code(events), folder, lines)


def _name(history: History, number: int, started: datetime) -> str:
    """Return the night's name: its start, and a number if there was another night at the same time."""
    earlier = history.rows(
        "nights", "started = ? AND id < ?", (started.isoformat(timespec="seconds"), number)
    )
    return f"{started:%Y%m%dT%H%M%SZ}" + (f"-{len(earlier) + 1}" if earlier else "")


def _publish(config: Config, history: History, number: int) -> None:
    """Write the site; that it cannot be written is told, and the night is over all the same."""
    if config.publish is None or not any(config.reports.glob("*/report.json")):
        return
    try:
        publish(config.reports, config.publish, title=config.title, url=config.url)
    except (HarnessError, OSError) as error:
        said = f"the site {config.publish} could not be written: {error}"
        event = Event("fault", "", "", "", "", said)
        if event not in history.events(number):
            history.keep_event(number, event)


def _in_order(history: History, now: datetime, watcher: Watcher) -> None:
    """Complain of a night before the last one: what came since would be told as gone.

    A night that is dated later than any clock says was made by a clock that was wrong: it is told, and refuses no other.
    """
    present = max(now, datetime.now(UTC))
    dates = [datetime.fromisoformat(row["started"]) for row in history.rows("nights")]
    for future in (date for date in dates if date > present):
        watcher.note(
            f"warning: the history has a night of {future.isoformat(timespec='seconds')}, which lies in the future: the "
            "clock was wrong then, and its date is passed over"
        )
    last = max((date for date in dates if date <= present), default=None)
    if last is not None and now < last:
        raise UsageError(
            f"the last night was at {last.isoformat(timespec='seconds')}, and this one would be at "
            f"{now.isoformat(timespec='seconds')}: nights go forward in time; for another history set HARNESS_HOME to "
            "another folder"
        )


def _budget(config: Config, history: History, number: int) -> Callable[[int], bool]:
    """Return what tells whether the budget has room for so many executions; the first ones always fit."""
    began = time.monotonic()

    def affords(count: int) -> bool:
        spent = history.executed(number)
        if config.minutes is not None and time.monotonic() - began > 60 * config.minutes:
            return False
        return config.probes is None or not count or not spent or spent + count <= config.probes

    return affords


def _said(config: Config) -> str:
    probes = f"{config.probes} executions" if config.probes is not None else ""
    minutes = f"{config.minutes:g} minutes" if config.minutes is not None else ""
    return " or ".join(filter(None, (probes, minutes)))
