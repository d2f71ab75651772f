"""The tables of `$HARNESS_HOME/history.sqlite`, and how an older file becomes one of today.

The file is in WAL mode, so that it can be read while a night writes; `PRAGMA user_version` is its schema version.
Any SQLite tool reads it. Times are ISO 8601 in UTC, verdicts and kinds the contract's words, sizes bytes,
durations seconds; a value that nobody measured is NULL, NaN and infinities are the texts of `harness.files`.
A *line* is what one baseline belongs to: scenario, package, arm.

| table        | a row is | columns |
|--------------|----------|---------|
| `nights`     | one night | `id`, `started`, `ended` (NULL: under way or interrupted), `code` (exit status), `headline`, `host` |
| `walked`     | a watch that a night has finished | `night`, `watch` (its name) |
| `events`     | one thing a night tells | `id`, `night`, `scenario`, `package`, `arm` (empty: all), `kind` (see `harness.nightly.story`), `release`, `text`, `run` (folder of its report, or empty) |
| `listed`     | a release that the index was seen to list | `scenario`, `package`, `version`, `uploaded`, `yanked`, `gone`, `night` (first seen) |
| `pinned`     | the reference lock of the last night | `scenario`, `package`, `lock` (text) |
| `releases`   | a release as one line knows it | line, `version`, `state` (`old`: there before the first night; `settled`; `flaky`; `waiting`: no verdict yet; `given up`), `verdict`, `reason`, `tries` (nights without a verdict), `night` |
| `baselines`  | an accepted baseline; the newest of a line is in force | `id`, line, `version`, `lock`, `trace` (digests), `deterministic` (A/A runs equal bit for bit), `moment`, `who`, `why`, `run` |
| `boundaries` | a boundary that was reported | line, `signal` (`pins`: packages moved, and the sides are these, or the locks' digests where nobody can tell which did it), `kind`, `before`, `after`, `night`, `run`, `closed` (night in which it was told to be gone, or NULL), `closed_by` (release) |
| `probes`     | one execution | `probe` (digest), `repeat`, line, `version`, `seed` (counted from 0), `night` (NULL: no night), `moment`, `device` (and its name, on CUDA), `start` (clean, warm), `lock` (digest), `trace` (digest), `verdict`, `reason`, `effect`, `effect_value`, `effect_bound`, `environment_seconds`, `import_seconds`, `training_seconds`, `steps`, `memory_peak`, `device_memory_peak`, `final_loss` |
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LINE = "scenario TEXT NOT NULL, package TEXT NOT NULL, arm TEXT NOT NULL"

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        """CREATE TABLE nights (id INTEGER PRIMARY KEY, started TEXT NOT NULL, ended TEXT, code INTEGER,
           headline TEXT, host TEXT)""",
        """CREATE TABLE walked (night INTEGER NOT NULL REFERENCES nights, watch TEXT NOT NULL,
           PRIMARY KEY (night, watch))""",
        f"""CREATE TABLE events (id INTEGER PRIMARY KEY, night INTEGER NOT NULL REFERENCES nights, {_LINE},
           kind TEXT NOT NULL, release TEXT NOT NULL, text TEXT NOT NULL, run TEXT NOT NULL)""",
        """CREATE TABLE listed (scenario TEXT NOT NULL, package TEXT NOT NULL, version TEXT NOT NULL,
           uploaded TEXT, yanked INTEGER NOT NULL, gone INTEGER NOT NULL, night INTEGER NOT NULL,
           PRIMARY KEY (scenario, package, version))""",
        """CREATE TABLE pinned (scenario TEXT NOT NULL, package TEXT NOT NULL, lock TEXT NOT NULL,
           PRIMARY KEY (scenario, package))""",
        f"""CREATE TABLE releases ({_LINE}, version TEXT NOT NULL, state TEXT NOT NULL, verdict TEXT,
           reason TEXT, tries INTEGER NOT NULL, night INTEGER NOT NULL,
           PRIMARY KEY (scenario, package, arm, version))""",
        f"""CREATE TABLE baselines (id INTEGER PRIMARY KEY, {_LINE}, version TEXT NOT NULL, lock TEXT,
           trace TEXT, deterministic INTEGER, moment TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,
           run TEXT NOT NULL)""",
        f"""CREATE TABLE boundaries ({_LINE}, signal TEXT NOT NULL, kind TEXT NOT NULL, before TEXT NOT NULL,
           after TEXT NOT NULL, night INTEGER NOT NULL, run TEXT NOT NULL, closed INTEGER, closed_by TEXT,
           PRIMARY KEY (scenario, package, arm, signal, kind, before, after))""",
        f"""CREATE TABLE probes (probe TEXT NOT NULL, repeat INTEGER NOT NULL, {_LINE}, version TEXT NOT NULL,
           seed INTEGER NOT NULL, night INTEGER, moment TEXT NOT NULL, device TEXT NOT NULL, start TEXT NOT NULL,
           lock TEXT NOT NULL, trace TEXT, verdict TEXT NOT NULL, reason TEXT NOT NULL, effect TEXT,
           effect_value, effect_bound, environment_seconds REAL, import_seconds REAL, training_seconds REAL,
           steps INTEGER NOT NULL, memory_peak INTEGER, device_memory_peak INTEGER, final_loss,
           PRIMARY KEY (probe, repeat, scenario, package, arm))""",
        "CREATE INDEX probes_by_line ON probes (scenario, package, arm, moment)",
    ),
)
"""Statements that lead from each version to the next; version n is reached by the first n. Never edit one that
was released: add another."""

_BUSY = 10.0
"""Seconds that a writer waits for another one, which writes for milliseconds."""
_LOCKED = 2.0
"""Seconds to wait for whoever holds the whole file as it is opened."""


def connect(path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> sqlite3.Connection:
    """Open the history, made if it is missing and brought to the newest schema version if it is older.

    Args:
        path: The file.
        migrations: As `MIGRATIONS`.

    Raises:
        HarnessError: It is no history, is damaged, or a newer harness wrote it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path, timeout=_LOCKED, isolation_level=None, check_same_thread=False)
    except sqlite3.OperationalError as error:
        raise HarnessError(
            f"{path}: cannot be opened ({error}); it must be a file that can be written"
        ) from None
    connection.row_factory = sqlite3.Row
    try:
        _check_whole(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _migrate(connection, path, migrations)
        connection.execute(f"PRAGMA busy_timeout = {int(1000 * _BUSY)}")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise HarnessError(_unusable(path, error)) from None
    except HarnessError:
        connection.close()
        raise
    return connection


def backup_of(path: Path) -> Path:
    """Return where the copy of a history lies that the last night made."""
    return path.with_name("history-backup.sqlite")


def _instead(path: Path) -> str:
    """Return what to do about a damaged history."""
    copy = backup_of(path)
    if not copy.is_file():
        return "move it away, and the next night begins a new one"
    made = datetime.fromtimestamp(copy.stat().st_mtime, UTC).isoformat(timespec="minutes")
    return f"move it away, with what lies beside it (-wal, -shm), and copy {copy} of {made} in its place"


def _unusable(path: Path, error: sqlite3.DatabaseError) -> str:
    """Return what to do about a history that gives an error: about its holder, its place, or its content."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # the rest says more of the same
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return (
            f"{path}: another program holds it ({error}); let that one end, or close it there, and try again"
        )
    if code in _OF_THE_PLACE:
        return f"{path}: cannot be used ({error}); it must be a file that can be written, on a disk with room"
    return f"{path}: not a usable history ({error}); {_instead(path)}"


_OF_THE_PLACE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


def _check_whole(connection: sqlite3.Connection) -> None:
    """Complain of a damaged file, before what is left of it is taken for all that there was."""
    (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise sqlite3.DatabaseError(said)


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]]) -> None:
    version = _version(connection)
    if version == len(migrations):
        return
    if version > len(migrations):
        raise HarnessError(
            f"{path}: has schema version {version}, and this harness knows {len(migrations)}: "
            "a newer harness wrote it, use that one"
        )
    connection.execute("BEGIN IMMEDIATE")  # of two processes the second waits, and finds it done
    try:
        for statements in migrations[_version(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
