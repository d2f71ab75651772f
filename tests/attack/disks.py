"""A disk of every small size: the answer or exit status 4; with room again, the whole answer."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager

from world import ASK, Done

PLACES = ("home", "temporary", "cache", "reports")


@contextmanager
def small(path, size):
    """Mount a file system of so many bytes; yields what gives it room, or None where that cannot be done here."""
    path.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=False, capture_output=True
    )
    if done.returncode:
        yield None
        return
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=400m", path], check=True)
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def disk(world, moments):
    """Let one of the places that are written to be too small."""
    place = moments.choice(PLACES)
    world.again(answered=place in {"temporary", "reports"})
    if place == "reports":
        subprocess.run(["rm", "-rf", world.work / "reports"], check=True)
    if place == "temporary":
        subprocess.run(["rm", "-rf", world.home / "probes"], check=True)
    path = {"home": world.home, "cache": world.folder / "small-cache"}.get(place, world.work / place)
    changed = {"temporary": {"TMPDIR": str(path)}, "cache": {"UV_CACHE_DIR": str(path)}}.get(place, {})
    size = int(4096 * 2 ** moments.uniform(0, 11))
    with small(path, size) as grow:
        if grow is None:
            return None
        done: Done = world.run(*ASK, **changed)
        if wrong := world.wrong(done, ends={0, 4}):
            return f"{place} of {size} bytes: {wrong}"
        grow()
        wrong = world.exact(world.run(*ASK, **changed))
        return f"{place} of {size} bytes, then with room: {wrong}" if wrong else ""


def read_only(world, moments):
    """Let the reports folder or the state directory be read-only: told before anything is executed."""
    world.again(answered=moments.random() < 0.5)
    path = world.work / "reports" if moments.random() < 0.7 else world.home
    with small(path, "4m") as grow:
        if grow is None:
            return None
        subprocess.run(["mount", "-o", "remount,ro", path], check=True)
        done = world.run(*ASK)
        wrong = world.wrong(done, ends={4})
        return wrong or (
            "" if "1.0 repro" not in done.output else f"work before the message: {done.output[-500:]}"
        )


ATTACKS = {"disk": disk, "read-only": read_only}
