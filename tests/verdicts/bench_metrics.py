"""False alarms and power of noisy metrics, as a table: `python tests/verdicts/bench_metrics.py [questions]`."""

from __future__ import annotations

import sys

from simulated_metrics import NOISE, false_alarms, power

from harness.verdicts.difference import Aim
from harness.verdicts.verdict import Verdict

SHIFTS = {"seconds": (0.2, 0.5, 1.0), "coin": (0.5, 1.0, 2.0)}


def main(questions: int) -> int:
    """Print the table; 1 if equal releases are called changed in more than 6 % of the questions."""
    worst = 0.0
    print(
        "| noise | releases | false alarms a question | shift | changed | not different | undecided | pairs |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for noise in NOISE:
        for releases in (12, 34):
            aim = Aim(comparisons=releases)
            alarms = false_alarms(noise, aim, questions=questions)
            worst = max(worst, alarms)
            for shift in SHIFTS.get(noise, (1.0, 2.0, 3.0)):
                found, pairs = power(noise, shift, aim, rounds=questions)
                shares = " | ".join(
                    f"{found[verdict] / questions:.1%}"
                    for verdict in (Verdict.BAD, Verdict.GOOD, Verdict.SKIP)
                )
                print(
                    f"| {noise} | {releases} | {alarms:.1%} | {shift} | {shares} | {pairs:.1f} |", flush=True
                )
    return 1 if worst > 0.06 else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
