"""Writes and reads the history. What belongs together is written in one transaction, or not at all."""

from __future__ import annotations

import math
import sqlite3
import uuid
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from harness.files import strict
from harness.history.facts import Baseline, Boundary, Event, Known, Line, Listed, Subject
from harness.history.schema import backup_of, connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.releases.release import Release
    from harness.sessions.finding import Finding
    from harness.state import State


@dataclass(frozen=True, slots=True)
class History:
    """The history of one state directory.

    Attributes:
        connection: In autocommit mode; `transaction` bundles.
    """

    connection: sqlite3.Connection = field(repr=False)

    @classmethod
    def open(cls, state: State) -> Self:
        """Open the file, made or migrated as needed.

        Raises:
            HarnessError: As `connect` says.
        """
        return cls(connect(state.history))

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def back_up(self, state: State) -> None:
        """Copy the history to where it is looked for when the file is damaged; the old copy stays until the new one is whole."""
        target = backup_of(state.history)
        new = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")
        try:
            with closing(sqlite3.connect(new)) as copy:
                self.connection.backup(copy)
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all of the block or nothing of it."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def baseline(self, line: Line) -> Baseline | None:
        """Return the baseline in force."""
        rows = self.rows("baselines", _OF_LINE, line)
        if not rows:
            return None
        row = rows[-1]
        exact = None if row["deterministic"] is None else bool(row["deterministic"])
        names = ("version", "lock", "trace", "moment", "who", "why", "run")
        return Baseline(deterministic=exact, **{name: row[name] for name in names})

    def accept(self, line: Line, baseline: Baseline) -> None:
        """Make a baseline the one in force."""
        values = [getattr(baseline, name) for name in Baseline.__slots__]
        self._insert("baselines", [*_LINE, *Baseline.__slots__], [*line, *values])

    def releases(self, line: Line) -> dict[str, Known]:
        """Return {version: what a line knows of it}."""
        rows = self.rows("releases", _OF_LINE, line)
        return {row["version"]: Known(**{name: row[name] for name in Known.__slots__}) for row in rows}

    def know(self, line: Line, known: Known, night: int) -> None:
        """Keep what a line knows of a release from this night on."""
        columns = [*_LINE, *Known.__slots__, "night"]
        values = [*line, *(getattr(known, name) for name in Known.__slots__), night]
        then = f"ON CONFLICT ({', '.join(_LINE)}, version) DO UPDATE SET {_updates(columns)}"
        self._insert("releases", columns, values, then)

    def listed(self, subject: Subject) -> dict[str, Listed]:
        """Return {version: how the index listed it last}."""
        rows = self.rows("listed", "scenario = ? AND package = ?", subject)
        return {row["version"]: Listed(bool(row["yanked"]), bool(row["gone"])) for row in rows}

    def keep_listed(self, subject: Subject, release: Release, night: int) -> None:
        """Keep how the index lists a release now."""
        columns = ("scenario", "package", "version", "uploaded", "yanked", "gone", "night")
        values = (*subject, release.version, release.uploaded, release.yanked, False, night)
        then = "ON CONFLICT (scenario, package, version) DO UPDATE SET yanked = excluded.yanked, gone = 0"
        self._insert("listed", columns, values, then)

    def keep_gone(self, subject: Subject, versions: Iterable[str]) -> None:
        """Keep that the index does not list releases any more."""
        for version in versions:
            self.connection.execute(
                "UPDATE listed SET gone = 1 WHERE scenario = ? AND package = ? AND version = ?",
                (*subject, version),
            )

    def pinned(self, subject: Subject) -> str | None:
        """Return the text of the reference lock of the last night."""
        rows = self.rows("pinned", "scenario = ? AND package = ?", subject)
        return rows[0]["lock"] if rows else None

    def keep_pinned(self, subject: Subject, lock: str) -> None:
        """Keep the text of the reference lock."""
        then = "ON CONFLICT (scenario, package) DO UPDATE SET lock = excluded.lock"
        self._insert("pinned", ("scenario", "package", "lock"), (*subject, lock), then)

    def boundaries(self, line: Line) -> list[Boundary]:
        """Return the boundaries of a line that were ever reported."""
        rows = self.rows("boundaries", _OF_LINE, line)
        return [Boundary(**{name: row[name] for name in Boundary.__slots__}) for row in rows]

    def keep_boundary(self, line: Line, boundary: Boundary, instead_of: Boundary | None = None) -> None:
        """Keep a boundary as it is now, in place of how it was told before."""
        key = ("signal", "kind", "before", "after")
        if instead_of is not None:
            where = " AND ".join([_OF_LINE, *(f"{name} = ?" for name in key)])
            values = (*line, *(getattr(instead_of, name) for name in key))
            self.connection.execute(f"DELETE FROM boundaries WHERE {where}", values)  # noqa: S608 - names of our own
        columns = [*_LINE, *Boundary.__slots__]
        then = f"ON CONFLICT ({', '.join((*_LINE, *key))}) DO UPDATE SET {_updates(columns)}"
        self._insert(
            "boundaries", columns, [*line, *(getattr(boundary, name) for name in Boundary.__slots__)], then
        )

    def record(self, line: Line, version: str, finding: Finding, night: int | None) -> None:
        """Keep every execution of a finding, a seed each; only a newer one takes the place of one that is kept."""
        for seed, one in enumerate(finding.seeds()):
            if one.result is not None:
                row = {
                    **dict(zip(_LINE, line, strict=True)),
                    "version": version,
                    "seed": seed,
                    "night": night,
                }
                row |= _measured(one)
                self._insert("probes", list(row), list(row.values()), then=_NEWER.format(_updates(row)))

    def begin(self, started: datetime, host: str) -> tuple[int, datetime]:
        """Return the night that was interrupted, or a new one: its number, and when it started.

        An interrupted night that is dated after this one was begun by a wrong clock: it gets this one's date.
        """
        moment = started.isoformat(timespec="seconds")
        for row in self.rows("nights", "ended IS NULL"):
            began = datetime.fromisoformat(row["started"])
            if began > started:
                self.connection.execute("UPDATE nights SET started = ? WHERE id = ?", (moment, row["id"]))
            return int(row["id"]), min(began, datetime.fromisoformat(moment))
        self._insert("nights", ("started", "host"), (moment, host))
        (row,) = self.rows("nights", "ended IS NULL")
        return int(row["id"]), datetime.fromisoformat(moment)

    def end(self, night: int, ended: datetime, code: int, headline: str) -> None:
        """Keep how a night ended."""
        self.connection.execute(
            "UPDATE nights SET ended = ?, code = ?, headline = ? WHERE id = ?",
            (ended.isoformat(timespec="seconds"), code, headline, night),
        )

    def walked(self, night: int) -> set[str]:
        """Return the names of the watches that a night has finished."""
        return {row["watch"] for row in self.rows("walked", "night = ?", (night,))}

    def keep_walked(self, night: int, watch: str) -> None:
        """Keep that a night has finished a watch."""
        self._insert("walked", ("night", "watch"), (night, watch), "ON CONFLICT DO NOTHING")

    def walk_again(self, night: int) -> None:
        """Forget which watches a night has finished; what it told of them stays."""
        self.connection.execute("DELETE FROM walked WHERE night = ?", (night,))

    def keep_event(self, night: int, event: Event) -> None:
        """Keep what a night tells."""
        self._insert(
            "events",
            ("night", *Event.__slots__),
            (night, *(getattr(event, name) for name in Event.__slots__)),
        )

    def events(self, night: int) -> list[Event]:
        """Return what a night tells."""
        rows = self.rows("events", "night = ?", (night,))
        return [Event(**{name: row[name] for name in Event.__slots__}) for row in rows]

    def executed(self, night: int) -> int:
        """Return how many executions a night has made."""
        found = self.connection.execute("SELECT count(*) FROM probes WHERE night = ?", (night,)).fetchone()
        return int(found[0])

    def rows(self, table: str, where: str = "1", values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return rows of a table in the order in which they were written."""
        found = self.connection.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY rowid", tuple(values))  # noqa: S608 - names of our own
        return [dict(row) for row in found]

    def _insert(self, table: str, columns: Sequence[str], values: Sequence[Any], then: str = "") -> None:
        marks = ", ".join("?" * len(columns))
        said = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) {then}"  # noqa: S608 - names of our own
        self.connection.execute(said, tuple(values))


_LINE = ("scenario", "package", "arm")
_OF_LINE = "scenario = ? AND package = ? AND arm = ?"
_NEWER = "ON CONFLICT (probe, repeat, scenario, package, arm) DO UPDATE SET {} WHERE excluded.moment > probes.moment"


def _updates(columns: Iterable[str]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in columns)


def _measured(finding: Finding) -> dict[str, Any]:
    result, trace, effect = finding.result, finding.trace, finding.judgement.effect
    assert result is not None  # noqa: S101 - the caller looked
    end = trace.end or {}
    seconds = end.get("seconds") or {}
    losses = [loss for loss in trace.signal("loss") if loss is not None]
    return {
        "probe": result.probe,
        "repeat": result.repeat,
        "moment": _moment((result.folder / "probe.json").stat().st_mtime),
        "device": _device(trace.start or {}),
        "start": result.execution.start,
        "lock": finding.lock or "",
        "trace": finding.trace_digest,
        "verdict": finding.verdict.value,
        "reason": finding.judgement.reason,
        "effect": effect.name if effect else None,
        "effect_value": _number(effect.value if effect else None),
        "effect_bound": _number(effect.bound if effect else None),
        "environment_seconds": result.environment_seconds,
        "import_seconds": seconds.get("import"),
        "training_seconds": seconds.get("training"),
        "steps": len(trace.steps),
        "memory_peak": result.execution.memory_peak,
        "device_memory_peak": end.get("device_memory_peak"),
        "final_loss": _number(losses[-1] if losses else None),
    }


def _number(value: float | None) -> Any:
    """Return a value as SQLite keeps it, which has no NaN."""
    return strict(value) if value is not None and not math.isfinite(value) else value


def _device(start: Mapping[str, Any]) -> str:
    device, name = str(start.get("device") or ""), start.get("device_name")
    return f"{device}: {name}" if device not in {"", "cpu"} and name else device


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
