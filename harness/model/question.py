"""The question: one immutable value that says everything about what is asked.

Command line, Python, plan, cluster, bundle, nightly and report take a `Question` or return one. A command line is one
rendering of it (`to_argv`, read by `harness.cli.questions`), JSON is another (`harness.model.codec`); each has its
reverse. Where and how fast probes are executed (`Place`) is no part of what is asked, and of no digest.

Each part is a dataclass in a file of its own, in this folder; its fields describe their options. A new option is a new
field there, and nothing else.

| part | says |
|---|---|
| `Subject` | what is executed: a scenario, a command, or a bundle that holds a scenario |
| `Axis` | what varies: a package, and the ends of the range of its releases |
| `Ends` | what varies in a question about two environments: the changes between them |
| `Holds` | what is kept: pins, Python, torch, device, variables, locks |
| `Job` | arms, changed settings, seeds |
| `Judging` | how a command is judged; a scenario says that in its file |
| `Plan` | how the answer is searched, confirmed and explained |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.model.holds import Holds
from harness.model.job import Job
from harness.model.judging import Judging
from harness.model.options import write_options
from harness.model.place import Place
from harness.model.plan import Plan
from harness.model.subject import Axis, Ends, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SCHEMA", "Axis", "Ends", "Holds", "Job", "Judging", "Place", "Plan", "Question", "Subject"]

SCHEMA = 1
"""Version of the value's shape, as it stands in report.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything about what is asked.

    Attributes:
        axes: What varies; none: what the scenario says.
        ends: The two environments of a question about the changes between them.
        schema: Version of this shape.
    """

    subject: Subject = field(default_factory=Subject)
    axes: tuple[Axis, ...] = ()
    ends: Ends = field(default_factory=Ends)
    holds: Holds = field(default_factory=Holds)
    job: Job = field(default_factory=Job)
    judging: Judging = field(default_factory=Judging)
    plan: Plan = field(default_factory=Plan)
    schema: int = SCHEMA

    def to_argv(self, verb: str = "bisect", *more: str) -> list[str]:
        """Return the words behind `python -m harness` that ask this question of a command.

        Args:
            verb: `bisect`, `plan` or `blame`; `probe` asks for one release of it, whose options are `more`.
            more: Further words, before a command of the user's.
        """
        words = [verb]
        if self.subject.scenario:
            words.append(self.subject.scenario)
        words += write_options(self.subject, verb)
        words += self._ranges() if verb != "blame" else ()
        for part in (self.ends, self.holds, self.job, self.judging, self.plan):
            words += write_options(part, verb)
        words += more
        return [*words, "--", *self.subject.command] if self.subject.command else words

    def _ranges(self) -> Iterator[str]:
        for axis in self.axes:
            if axis.package:
                yield from ("--package", axis.package)
            if axis.first is not None:
                yield from ("--from", axis.first)
            if axis.last is not None:
                yield from ("--to", axis.last)
