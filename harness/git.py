"""The one place that starts git: no password is asked for, no terminal is used, and what git says becomes one sentence."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError, ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PROGRAM = "git"
LINK, SUBMODULE = "120000", "160000"
"""Modes of what is no file of a commit's own."""
_TIMEOUT = 1800.0
"""Seconds that one command may take."""
_SETTINGS = (
    "-c",
    "core.quotePath=false",
    "-c",
    "advice.detachedHead=false",
    "-c",
    "protocol.ext.allow=never",
)


class GitError(HarnessError):
    """A command of git failed; carries what git said."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a commit.

    Attributes:
        mode: As git writes it: `120000` is a link, `160000` a submodule.
        object: Name of its content.
    """

    mode: str
    object: str


@dataclass(frozen=True, slots=True)
class Git:
    """A repository, a clone or a bare one.

    Attributes:
        folder: Its working tree or its git directory; what makes a repository needs none.
        source: What messages call it.
    """

    folder: Path | None
    source: str

    def __call__(self, *words: str) -> str:
        """Run a command and return what it printed.

        Raises:
            GitError: It failed.
            ToolMissingError: git is not installed.
        """
        return self.run(*words).decode(errors="replace")

    def run(self, *words: str, given: bytes | None = None) -> bytes:
        """Run a command and return the bytes that it printed.

        Args:
            words: The command.
            given: What it reads from its standard input.

        Raises:
            GitError: It failed.
            ToolMissingError: git is not installed.
        """
        # Asking for a password would wait for ever; a hook that starts the harness must not choose the repository.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        at = ("-C", str(self.folder)) if self.folder else ()
        try:
            done = subprocess.run(
                [PROGRAM, *_SETTINGS, *at, *words],
                check=False,
                capture_output=True,
                input=b"" if given is None else given,
                timeout=_TIMEOUT,
                env={**kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            )
        except FileNotFoundError:
            raise ToolMissingError(f"git is not installed, and the source {self.source} needs it") from None
        except subprocess.TimeoutExpired:
            raise GitError(f"the source {self.source}: git took more than {_TIMEOUT:.0f} s") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["git said nothing"]
            fatal = [line for line in said if line.startswith(("fatal:", "error:"))]
            raise GitError((fatal or said)[0])
        return done.stdout

    def files(self, commit: str, *folders: str) -> dict[str, Entry]:
        """Return {path: file} of a commit.

        Args:
            commit: Its name.
            folders: Paths that are wanted; none: all.
        """
        found = {}
        for row in self("ls-tree", "-r", "-z", "--full-tree", commit, "--", *folders).split("\0"):
            head, _, path = row.partition("\t")
            if path:
                mode, _, name = head.split(" ")
                found[path] = Entry(mode, name)
        return found

    def names(self, wanted: Sequence[str]) -> list[str]:
        """Return the names of objects, each as `COMMIT` or `COMMIT:PATH`; empty where there is none."""
        given = "".join(f"{one}\n" for one in wanted).encode()
        rows = self.run("cat-file", "--batch-check=%(objectname)", given=given).decode(errors="replace")
        return ["" if row.endswith((" missing", " ambiguous")) else row for row in rows.splitlines()]

    def contents(self, objects: Sequence[str]) -> Iterator[bytes | None]:
        """Yield the content of each object; None where the repository does not hold it."""
        given = "".join(f"{one}\n" for one in objects).encode()
        whole = self.run("cat-file", "--batch", given=given) if objects else b""
        start = 0
        for _ in objects:
            end = whole.index(b"\n", start)
            head = whole[start:end].split(b" ")
            start = end + 1
            if head[-1] == b"missing":
                yield None
                continue
            size = int(head[2])
            yield whole[start : start + size]
            start += size + 1
