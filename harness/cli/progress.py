"""How a run goes on: one live line on a terminal, plain lines elsewhere. All of it on stderr."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from harness.cli.terminal import terminal

if TYPE_CHECKING:
    from types import TracebackType

    from harness.sessions.finding import Finding

_STYLES = {"good": "green", "bad": "red", "skip": "yellow"}
_SECONDS_BETWEEN_NOTES = 2.0


class Lines:
    """Prints a plain line for each finding: for files, pipes and CI logs."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def expected(self, count: int) -> None:
        """Take in how many are certain to end yet."""
        self.total = self.done + count

    def started(self, arm: str, version: str, repeat: int) -> None:
        """Say nothing: the line comes with the verdict."""

    def finished(self, arm: str, version: str, repeat: int, finding: Finding) -> None:
        """Print which release, which arm, what it is, done of all, time left."""
        self.done += 1
        left = (time.monotonic() - self.began) / self.done * (self.total - self.done)
        again = " again" if repeat else ""
        head = f"[{self.done}/{self.total}, {left:.0f} s left] {version} {arm}{again}"
        print(f"{head}: {finding.verdict.value}, {finding.judgement.reason}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr, flush=True)


class Live:
    """Shows a bar with what runs now, and leaves one line for each finding that is bad or a skip."""

    def __init__(self) -> None:
        self.console = terminal(stderr=True, highlight=False)
        self.progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.task = self.progress.add_task("listing releases", total=None)
        self.running: list[str] = []
        self.done = 0

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def expected(self, count: int) -> None:
        """Widen the bar."""
        self.progress.update(self.task, total=self.done + count)

    def started(self, arm: str, version: str, repeat: int) -> None:
        """Name what runs."""
        self.running.append(_name(arm, version, repeat))
        self._describe()

    def finished(self, arm: str, version: str, repeat: int, finding: Finding) -> None:
        """Move the bar on."""
        name = _name(arm, version, repeat)
        if name in self.running:
            self.running.remove(name)
        verdict = finding.verdict.value
        if verdict not in ("good", "untested"):
            head = (f"{verdict:>4}", _STYLES.get(verdict, ""))
            self.console.print(Text.assemble(head, f" {name}  {finding.judgement.reason}"), soft_wrap=True)
        self.done += 1
        self.progress.advance(self.task)
        self._describe()

    def note(self, text: str) -> None:
        """Show what is prepared, in the bar's own line."""
        if text.startswith("warning:"):
            self.console.print(text, style="yellow", markup=False)
        else:
            self.progress.update(self.task, description=text)

    def _describe(self) -> None:
        self.progress.update(self.task, description=", ".join(self.running[:3]))


def watcher() -> Lines | Live:
    """Return what fits the terminal at hand."""
    return Live() if sys.stderr.isatty() else Lines()


def _name(arm: str, version: str, repeat: int) -> str:
    return f"{version} {arm}" + (" again" if repeat else "")
