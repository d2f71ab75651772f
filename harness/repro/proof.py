"""The last proof: a script is executed as its reader will do it, by `uv run` alone, and judged as a probe is."""

from __future__ import annotations

import re
import shlex
import time
from typing import TYPE_CHECKING

from harness.probes.probe import Execution
from harness.releases.settings import read_settings
from harness.report.repro import ReproSide
from harness.report.text import one_line
from harness.traces.trace import Trace
from harness.uv import Uv
from harness.verdicts.exit_status import judge_exit
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.repro.sides import Sides

_INSTALLED = re.compile(r"(?:/[^\s'\"()]+)+/site-packages/")
"""Where a machine keeps a package: of no use to a reader."""
_INSTALLING = 900.0
"""Seconds that making an environment may take."""


def executed(
    folder: Path, commands: Mapping[str, Sequence[str]], sides: Sides, timeout: float
) -> tuple[ReproSide, ReproSide]:
    """Execute the commands of the good and the bad side in a folder, and judge how they end.

    Args:
        folder: Has the script.
        commands: {version: words, `uv` first}, the good side's first.
        sides: Know what the bad side does.
        timeout: Seconds that the script may take.
    """
    python = str(sides.session.interpreter.path)
    uv = Uv(read_settings().uv_environment)
    found = []
    for (version, words), wanted in zip(commands.items(), (Verdict.GOOD, Verdict.BAD), strict=True):
        started = time.monotonic()
        status, printed, complained = uv.execute(words[1:], folder, timeout + _INSTALLING, python=python)
        execution = Execution("exit", status, time.monotonic() - started, None)
        oracle = {**sides.session.asked.scenario.oracle, "import_errors": "bad"}
        judged = judge_exit(execution, Trace(), f"{printed}\n{complained}", oracle)
        alike = wanted == Verdict.GOOD or (sides.wanted is not None and judged.same_end(sides.wanted))
        shown = complained if status else printed
        lines = [line.strip() for line in shown.splitlines() if line.strip()]
        said = _INSTALLED.sub("", one_line(lines[-1], 300)) if lines else ""
        found.append(ReproSide(version, shlex.join(words), status, said, judged.verdict == wanted and alike))
    return found[0], found[1]
