"""Git repositories with a planted history, made by the tests."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Repository:
    """A repository of its own, with a clock of its own.

    Args:
        folder: Where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.minutes = 0
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *words: str) -> str:
        when = f"2024-03-01T{self.minutes // 60:02}:{self.minutes % 60:02}:00+00:00"
        names = {
            f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                **names,
                **dates,
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_SYSTEM": os.devnull,
            },
        )
        return done.stdout.strip()

    def commit(self, subject: str, files: dict[str, str | None], body: str = "") -> str:
        """Write files (None removes one), commit them, and return the commit's name."""
        self.minutes += 1
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git(
            "commit", "--quiet", "--allow-empty", "--message", subject, *(["--message", body] if body else [])
        )
        return self.head()

    def branch(self, name: str, at: str = "HEAD") -> None:
        self.git("checkout", "--quiet", "-b", name, at)

    def switch(self, name: str) -> None:
        self.git("checkout", "--quiet", name)

    def merge(self, name: str, subject: str) -> str:
        self.minutes += 1
        self.git("merge", "--quiet", "--no-ff", "--message", subject, name)
        return self.head()

    def pick(self, commit: str) -> str:
        self.minutes += 1
        self.git("cherry-pick", commit)
        return self.head()

    def tag(self, name: str) -> None:
        self.git("tag", "--force", name)

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")
