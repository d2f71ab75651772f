"""Stored files are damaged at random: told by name, made again, the answer stays the same."""

from __future__ import annotations

import os
import shutil
import sqlite3

from world import ASK


def flip(path, moments):
    raw = bytearray(path.read_bytes())
    if raw:
        raw[moments.randrange(len(raw))] ^= 1 << moments.randrange(8)
    path.write_bytes(bytes(raw))


def cut(path, moments):
    raw = path.read_bytes()
    path.write_bytes(raw[: moments.randint(0, max(0, len(raw) - 1))])


def empty(path, _moments):
    path.write_bytes(b"")


def noise(path, moments):
    path.write_bytes(moments.randbytes(moments.randint(1, 4000)))


def gone(path, _moments):
    path.unlink()


def fifo(path, _moments):
    path.unlink()
    os.mkfifo(path)


def folder(path, _moments):
    path.unlink()
    path.mkdir()


def loop(path, _moments):
    path.unlink()
    path.symlink_to(path.name)


def deep(path, _moments):
    path.write_text("[" * 100_000)


DAMAGES = (flip, flip, flip, cut, empty, noise, gone, fifo, folder, loop, deep)


def files(world):
    """Return all that the harness itself wrote; what lies in an environment belongs to packages."""
    found = [path for path in world.home.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(
        path
        for path in found
        if "environments" not in path.parts or path.parent.parent.name == "environments"
    )


def damage(world, moments):
    """Damage one to four stored files, and ask the same question twice."""
    world.again()
    shutil.rmtree(world.work / "reports")
    broken = []
    for path in moments.sample(files(world), moments.randint(1, 4)):
        how = moments.choice(DAMAGES)
        path.chmod(0o644)
        how(path, moments)
        broken.append(f"{how.__name__} {path.relative_to(world.home)}")
    if moments.random() < 0.3:
        results = list(world.home.glob("probes/*"))
        shutil.rmtree(moments.choice(results))
    done = world.run(*ASK)
    wrong = world.exact(done) or world.exact(world.run(*ASK))
    return f"{', '.join(broken)}: {wrong}" if wrong else ""


def history(world, moments):
    """Damage the history, then read it."""
    world.again()
    path = world.home / "history.sqlite"
    for other in (path.with_name("history.sqlite-wal"), path.with_name("history.sqlite-shm")):
        other.unlink(missing_ok=True)
    how = moments.choice((*DAMAGES, locked))
    held = how(path, moments)
    done = world.run("history", seconds=30)
    if held:
        held.close()
    wrong = world.wrong(done, ends={0, 4})
    wrong = wrong or world.exact(world.run(*ASK))
    return f"{how.__name__} history: {wrong}" if wrong else ""


def locked(path, _moments):
    """Let another program hold the history for itself."""
    held = sqlite3.connect(path, isolation_level=None)
    held.execute("PRAGMA locking_mode = EXCLUSIVE")
    held.execute("BEGIN EXCLUSIVE")
    return held


ATTACKS = {"damage": damage, "history": history}
