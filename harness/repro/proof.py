"""The last proof: a script is executed as its reader will do it, by `uv run` alone, and judged as a probe is."""

from __future__ import annotations

import os
import re
import shlex
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.files import write_atomic
from harness.probes.probe import Execution
from harness.releases.settings import read_settings
from harness.report.repro import NAME, ReproSide
from harness.report.text import one_line
from harness.repro.block import with_head
from harness.traces.trace import Trace
from harness.uv import Uv
from harness.verdicts.exit_status import judge_exit, last_raised
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.repro.block import Head
    from harness.repro.sides import Sides
    from harness.sessions.session import Session

_INSTALLED = re.compile(r"(?:/[^\s'\"()]+)+/site-packages/")
"""Where a machine keeps a package: of no use to a reader."""
_CREDENTIALS = re.compile(r"(?<=://)[^/\s,@]+@")
_INSTALLING = 900.0
"""Seconds that making an environment may take."""


@dataclass
class Proof:
    """Executes scripts as their reader does.

    The packages that are named are pinned; where that does not do, all are that both sides have alike.

    Attributes:
        sides: Know what the bad side does.
        folder: For the script.
        head: {script, whether all packages are pinned: what stands on top of it}.
        found: {script: what it did, with its head, on the good and on the bad side}.
    """

    sides: Sides
    folder: Path
    head: Callable[[str, bool], Head]
    found: dict[str, tuple[str, ReproSide, ReproSide]] = field(default_factory=dict)
    _all_pinned: bool = False

    def holds(self, text: str) -> bool:
        """Execute a script on both sides; tell whether each does what it did in a probe."""
        if text not in self.found:
            self.found[text] = self._executed(text)
            if not self._shown(text) and not self._all_pinned:
                self._all_pinned = True
                self.found[text] = self._executed(text)
                self._all_pinned = self._shown(text)
        return self._shown(text)

    def _shown(self, text: str) -> bool:
        _, good, bad = self.found[text]
        return good.holds and bad.holds

    def _executed(self, text: str) -> tuple[str, ReproSide, ReproSide]:
        head = self.head(text, self._all_pinned)
        script = with_head(text, head)
        write_atomic(self.folder / NAME, script)
        good, bad = (
            self._side(version, words, wanted)
            for (version, words), wanted in zip(
                head.commands.items(), (Verdict.GOOD, Verdict.BAD), strict=True
            )
        )
        return script, good, bad

    def _side(self, version: str, words: Sequence[str], verdict: Verdict) -> ReproSide:
        session, wanted = self.sides.session, self.sides.wanted
        scenario = session.asked.scenario
        started = time.monotonic()
        status, printed, complained = Uv(read_settings().uv_environment).execute(
            words[1:],
            self.folder,
            scenario.timeout + _INSTALLING,
            python=str(session.interpreter.path),
        )
        execution = Execution("exit", status, time.monotonic() - started, None)
        oracle = {**scenario.oracle, "import_errors": "bad"}
        judged = judge_exit(execution, Trace(), f"{printed}\n{complained}", oracle)
        alike = verdict == Verdict.GOOD or (wanted is not None and judged.same_end(wanted))
        said = _last_words(complained if status else printed)
        return ReproSide(version, shlex.join(words), status, said, judged.verdict == verdict and alike)


def _last_words(shown: str) -> str:
    """Return the line of the exception in what was printed, behind which its message may go on; else the last line."""
    raised = last_raised(shown)
    lines = [line.strip() for line in shown.splitlines() if line.strip()]
    if raised:
        lines = [f"{raised['exception']}: {raised['message']}" if raised["message"] else raised["exception"]]
    return _INSTALLED.sub("", one_line(lines[-1], 300)) if lines else ""


def given(session: Session) -> list[str]:
    """Return, as NAME=VALUE, what uv was given here and does not find by itself: pip's settings, and the run's Python.

    Credentials are left out of addresses.
    """
    uv = Uv(read_settings().uv_environment)
    found = {name: value for name, value in uv.variables.items() if os.environ.get(name) != value}
    wanted = f"=={session.interpreter.minor}.*"
    if uv.run("python", "find", wanted, "--no-python-downloads", "--no-project").code:
        found["UV_PYTHON"] = str(session.interpreter.path)
    return [f"{name}={_CREDENTIALS.sub('', value)}" for name, value in found.items()]
