"""Oracles judge what a probe recorded: one small module each, and a registry of what each can be asked.

An oracle is named by `kind` in a scenario's `[oracle]` table; `ORACLES` lists them with their settings and what
each setting means. It is asked only about a training that ended by itself: what came before training, and what
was ended from outside, is ruled on in `harness.verdicts.judge`.
"""

from harness.verdicts.oracles.metric import measure, read_expectation
from harness.verdicts.oracles.oracle import Oracle
from harness.verdicts.oracles.registry import (
    EXIT_STATUS,
    KIND,
    ORACLES,
    alone,
    apply,
    by_end,
    by_exit_status,
    check_settings,
    clean,
    compares,
    counts,
    interleaves,
    looks,
    options,
    profiled,
    reference_runs,
    two_sided,
    with_defaults,
)

__all__ = [
    "EXIT_STATUS",
    "KIND",
    "ORACLES",
    "Oracle",
    "alone",
    "apply",
    "by_end",
    "by_exit_status",
    "check_settings",
    "clean",
    "compares",
    "counts",
    "interleaves",
    "looks",
    "measure",
    "options",
    "profiled",
    "read_expectation",
    "reference_runs",
    "two_sided",
    "with_defaults",
]
