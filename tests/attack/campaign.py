"""Attacks on the harness, at random but reproducible: counts them, and prints what did not hold.

    python tests/attack/campaign.py --minutes 20 --seed 1
    python tests/attack/campaign.py --seed 1 --only 417          # one attack again

Attack N of a seed depends on both numbers alone.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import damage
import disks
import indexes
import jobs
import kills
import psutil
import quick
import texts
from world import World

SLOW = (kills, disks, damage, indexes, jobs, texts)
"""Attacks of which most execute jobs anew."""
KINDS = {
    f"{module.__name__}: {name}": attack
    for module in (*SLOW, quick)
    for name, attack in module.ATTACKS.items()
}
_QUICK = [kind for kind in KINDS if kind.startswith("quick: ")]
TURN = [
    kind
    for place, slow in enumerate(kind for kind in KINDS if kind not in _QUICK)
    for kind in (slow, *(_QUICK[(place + more) % len(_QUICK)] for more in range(5)))
]
"""The kinds of one turn: five quick attacks follow each slow one."""


def one(world: World, kind: str, seed: int, number: int) -> str | None:
    """Make one attack; return what did not hold: empty if all held, None if it cannot be made here."""
    moments = random.Random(f"{seed}/{number}")
    try:
        return KINDS[kind](world, moments)
    except Exception as error:  # noqa: BLE001 - an attack that cannot be made is told, and the next one is made
        return f"the attack itself failed: {type(error).__name__}: {error}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0, help="how long, default 20")
    parser.add_argument("--seed", type=int, default=0, help="which attacks, default 0")
    parser.add_argument("--only", type=int, help="the number of one attack")
    parser.add_argument("--kind", default="", help="only kinds whose name has this text")
    options = parser.parse_args()
    turn = [kind for kind in TURN if options.kind in kind]
    made, impossible, seconds = Counter(), Counter(), Counter()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="attack-", ignore_cleanup_errors=True) as folder:
        world = World(Path(folder) / "world")
        until = time.monotonic() + 60 * options.minutes
        number = options.only or 0
        while time.monotonic() < until:
            kind = turn[number % len(turn)]
            before = _processor_seconds(world)
            fault = one(world, kind, options.seed, number)
            seconds[kind] += _processor_seconds(world) - before
            (impossible if fault is None else made)[kind] += 1
            if fault:
                failed += 1
                print(f"DID NOT HOLD: attack {number} of seed {options.seed}, {kind}: {fault}\n", flush=True)
            number += 1
            if options.only is not None:
                break
        world.close()
    for kind in dict.fromkeys(turn):
        more = f", {impossible[kind]} cannot be made here" if impossible[kind] else ""
        each = seconds[kind] / max(1, made[kind])
        print(f"{made[kind]:5} {kind}, {each:.2f} s of processor time each{more}")
    print(f"{made.total()} attacks, {failed} did not hold")
    return 1 if failed else 0


def _processor_seconds(world: World) -> float:
    """Return what all commands have used so far."""
    return sum(psutil.Process(world.forks.pid).cpu_times()[:4])


if __name__ == "__main__":
    sys.exit(main())
