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
import texts
from world import World

KINDS = {
    f"{module.__name__}: {name}": attack
    for module in (kills, disks, damage, indexes, jobs, texts)
    for name, attack in module.ATTACKS.items()
}


def one(world: World, seed: int, number: int, kinds=tuple(KINDS)) -> tuple[str, str | None]:
    """Make one attack; return its kind, and what did not hold: empty if all held, None if it cannot be made here."""
    moments = random.Random(f"{seed}/{number}")
    kind = kinds[number % len(kinds)]
    try:
        return kind, KINDS[kind](world, moments)
    except Exception as error:  # noqa: BLE001 - an attack that cannot be made is told, and the next one is made
        return kind, f"the attack itself failed: {type(error).__name__}: {error}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0, help="how long, default 20")
    parser.add_argument("--seed", type=int, default=0, help="which attacks, default 0")
    parser.add_argument("--only", type=int, help="the number of one attack")
    parser.add_argument("--kind", default="", help="only kinds whose name has this text")
    options = parser.parse_args()
    kinds = tuple(kind for kind in KINDS if options.kind in kind)
    made, failed, impossible = Counter(), [], Counter()
    with tempfile.TemporaryDirectory(prefix="attack-", ignore_cleanup_errors=True) as folder:
        world = World(Path(folder) / "world")
        until = time.monotonic() + 60 * options.minutes
        number = options.only or 0
        while time.monotonic() < until:
            kind, fault = one(world, options.seed, number, kinds)
            if fault is None:
                impossible[kind] += 1
            else:
                made[kind] += 1
            if fault:
                failed.append((number, kind, fault))
                print(f"DID NOT HOLD: attack {number} of seed {options.seed}, {kind}: {fault}\n", flush=True)
            number += 1
            if options.only is not None:
                break
        world.close()
    for kind in kinds:
        more = f", {impossible[kind]} cannot be made here" if impossible[kind] else ""
        print(f"{made[kind]:5} {kind}{more}")
    print(f"{sum(made.values())} attacks, {len(failed)} did not hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
