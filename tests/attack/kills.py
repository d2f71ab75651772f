"""A run is ended at a random moment by a random signal; the same command then gives the whole answer."""

from __future__ import annotations

import shutil
import signal

from world import ASK

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def kill(world, moments):
    """End a run that has everything to do, or a part of it."""
    whole = moments.random() < 0.3
    world.again(answered=not whole)
    if not whole:
        for folder in [
            *world.home.glob("probes/*"),
            *world.home.glob("environments/*"),
            *world.home.glob("locks/*"),
        ]:
            if moments.random() < 0.6 and folder.exists():
                shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    for _ in range(moments.randint(1, 3)):
        how = moments.choice(SIGNALS)
        done = world.run(*ASK, signal=how, after=moments.uniform(0.0, 3.0))
        if wrong := world.wrong(done, ends={0, 4, 130}):
            return f"{how.name}: {wrong}"
    return world.exact(world.run(*ASK))


ATTACKS = {"kill": kill}
