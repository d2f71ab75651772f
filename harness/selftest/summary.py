"""What a self-test found: one state for each step, and what was seen. No path, no name of a machine, no user.

`Summary` is `summary.json`, so that a user can send it, and so that the documentation can say on which devices the
harness was seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.files import read_json, to_json
from harness.model.codec import from_plain, to_plain
from harness.words import counted

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
LAST_STEP = "Ctrl-C"
"""Name of the step that is taken last."""


class State(StrEnum):
    """What became of a step."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: What it proves, in a few words.
        seen: One sentence each; of a failed step, what was expected too.
        seconds: What it took.
    """

    name: str
    state: State
    seen: tuple[str, ...]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """One self-test.

    Attributes:
        started: ISO time.
        harness: Version of the harness.
        device: `cpu` or `cuda`.
        name: Of the processor or the GPU, as the trace has it.
        facts: {`torch`, `python`, `cuda`, ...}: what decides which numbers the device gives, all text.
        steps: In order of execution.
        seconds: What all of it took.
    """

    started: str
    harness: str
    device: str
    name: str
    facts: dict[str, str]
    steps: tuple[Step, ...]
    seconds: float
    schema: int = field(default=SCHEMA)

    @property
    def finished(self) -> bool:
        """Whether no step is missing: the summary is written after each, and a self-test may be killed."""
        return bool(self.steps) and self.steps[-1].name == LAST_STEP

    @property
    def passed(self) -> bool:
        """Whether all steps were taken, and all that apply passed, and any did."""
        states = {step.state for step in self.steps}
        return self.finished and State.PASSED in states and State.FAILED not in states

    def count(self, state: State) -> int:
        """Return how many steps have a state."""
        return sum(step.state == state for step in self.steps)

    def sentence(self) -> str:
        """Say the result in one sentence."""
        where = "CPU" if self.device == "cpu" else "GPU"
        failed = [step.name for step in self.steps if step.state == State.FAILED]
        applied = len(self.steps) - self.count(State.NOT_APPLICABLE)
        if not self.finished:
            found = f"failed: {', '.join(failed)}" if failed else "none of them failed"
            return (
                f"It was ended on the {where} {self.name} after {counted(len(self.steps), 'step')}; {found}."
            )
        if failed:
            return f"{len(failed)} of {applied} steps failed on the {where} {self.name}: {', '.join(failed)}."
        rest = self.count(State.NOT_APPLICABLE)
        left = f"; {rest} {'does' if rest == 1 else 'do'} not apply" if rest else ""
        whole = f"All {applied} steps that apply" if applied != 1 else "The one step that applies"
        return f"{whole} passed on the {where} {self.name}{left}."

    def to_json(self) -> str:
        """Return the content of `summary.json`."""
        return to_json(to_plain(self))


def read_summary(path: Path) -> Summary:
    """Read a `summary.json`.

    Raises:
        UsageError: It is none, or one of another schema.
    """
    try:
        found = from_plain(Summary, read_json(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not the summary of a self-test ({str(error)[:300]})") from None
    if found.schema != SCHEMA:
        raise UsageError(f"{path}: schema {found.schema}, and this harness reads {SCHEMA}")
    return found
