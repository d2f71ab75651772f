"""The command lines that a run prints: of a question, of one release of it, and of one pair of a question about two packages."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.commands import shell
from harness.model.question import Question  # noqa: TC001 - the codec reads the type


@dataclass(frozen=True, slots=True)
class Whole:
    """What a part belongs to: it alone says what all pairs are compared with, so a part's commands ask it.

    Attributes:
        question: About two packages.
        held: The package that the part holds.
        held_version: The release that it is held at.
    """

    question: Question
    held: str
    held_version: str

    def command(self) -> str:
        """Return the command line that asks the whole question."""
        return shell(self.question.to_argv())

    def probe_command(self, package: str, version: str, arm: str) -> str:
        """Return the command line that executes one pair of the part by hand."""
        return release_command(self.question, f"{package}=={version},{self.held}=={self.held_version}", arm)


def release_command(question: Question, release: str, arm: str) -> str:
    """Return the command line that executes one release of a question by hand.

    Args:
        question: About one package, or about two.
        release: The release, or both as `PACKAGE==RELEASE,PACKAGE==RELEASE`, of which the first varies.
        arm: Name.
    """
    more = ["--release", release, *([] if question.subject.command else ["--arm", arm])]
    return shell(question.to_argv("probe", *more))
