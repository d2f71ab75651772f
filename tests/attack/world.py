"""The world that is attacked: an index with a planted regression, a state directory that has answered, and what must hold.

What holds of every command, whatever was done to it: an exit status of the contract, one clear message and no traceback, no
control character on the terminal, an end in time, and no verdict that is not true.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from toyindex import DAYS, ToyIndex, wheel

HERE = Path(__file__).parent
RELEASES = 6
QUICK = 8.0
"""Seconds that a job may take, where a machine is not too busy to answer the whole question in them."""
ASK = (
    "bisect",
    "--package",
    "toy",
    "--search",
    "sweep",
    "--jobs",
    "2",
    "--no-cause",
    "--",
    "python",
    "repro.py",
)
SCRIPT = "import toy\ntoy.run()\n"
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_EXITS = {0, 2, 3, 4}


@dataclass
class Done:
    """How a command ended."""

    code: int
    hung: bool
    sent: bool
    output: str


class World:
    """One folder with an index, a script, a state directory that has answered its question, and copies of it.

    Args:
        folder: Empty.
        bad_from: The first release that fails, counted from 0.
    """

    def __init__(self, folder: Path, bad_from: int = 3):
        self.folder = folder
        self.bad_from = bad_from
        self.index = ToyIndex()
        self.index.__enter__()
        self.index.add("helper", wheel("helper", "1.0", "SCALE = 1.0\n", uploaded=DAYS[0]))
        for n in range(RELEASES):
            self.plant(n, self.code(n))
        self.home, self.work = folder / "home", folder / "work"
        self.fresh = False
        """The state directory is as the first answer left it."""
        self.work.mkdir(parents=True)
        (self.work / "repro.py").write_text(SCRIPT)
        self.variables = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "PIP_CONFIG_FILE": os.devnull,
            "UV_DEFAULT_INDEX": self.index.url,
            "UV_CACHE_DIR": str(folder / "cache"),
            "UV_HTTP_RETRIES": "0",
            "HARNESS_HOME": str(self.home),
        }
        self.forks = subprocess.Popen(
            [sys.executable, str(HERE / "forks.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.patience = 10 * QUICK
        started = time.monotonic()
        first = self.run(*ASK, seconds=600)
        self.patience = max(QUICK, time.monotonic() - started)
        assert not self.wrong(first, ends={0}), first.output
        shutil.copytree(self.home, folder / "answered", symlinks=True)
        shutil.copytree(self.work / "reports", folder / "reports", symlinks=True)

    def close(self):
        self.forks.stdin.close()
        self.forks.wait()
        self.forks.stdout.close()
        self.index.__exit__()
        for path in self.folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(self.folder, ignore_errors=True)

    def code(self, n: int) -> str:
        return f"import helper\ndef run(): assert {n < self.bad_from}, 'sign'\n"

    def plant(self, n: int, code: str):
        """Put a release on the index, in place of what was there."""
        files = self.index.packages.setdefault("toy", [])
        new = wheel("toy", f"1.{n}", code, ("helper",), uploaded=DAYS[n])
        self.index.packages["toy"] = [*(file for file in files if file.name != new.name), new]

    def again(self, *, answered: bool = True):
        """Put everything as it was after the first answer; without it, as it was before."""
        self.fresh = False
        for path in (self.home, self.work / "reports", self.work / "site", self.work / "temporary"):
            _remove(path)
        for n in range(RELEASES):
            self.plant(n, self.code(n))
        (self.work / "repro.py").write_text(SCRIPT)
        if answered:
            subprocess.run(["cp", "-a", self.folder / "answered", self.home], check=True)
            subprocess.run(["cp", "-a", self.folder / "reports", self.work / "reports"], check=True)

    def answered(self):
        """Put everything as it was after the first answer, for an attack that leaves the state directory as it was.

        After such an attack there is nothing to put back but a copy of the report.
        """
        if not self.fresh:
            self.again()
        _remove(self.work / "reports")
        subprocess.run(["cp", "-a", self.folder / "reports", self.work / "reports"], check=True)
        self.fresh = True

    def run(
        self, *words: str, seconds: float = 0.0, signal: int = 0, after: float = 0.0, **variables
    ) -> Done:
        """Run one command of the harness, and send it a signal if that is asked for.

        Args:
            words: The command.
            seconds: After which it counts as hung; 0 for twelve times what the whole question took at first.
            signal: Number; 0 for none.
            after: Seconds after which the signal is sent.
            variables: Environment variables besides those of the world.
        """
        output = self.folder / "output"
        asked = {
            "words": [words[0], *(["--debug"] if os.environ.get("ATTACK_DEBUG") else []), *words[1:]],
            "folder": str(self.work),
            "variables": {**self.variables, **variables},
            "output": str(output),
            **({"signal": signal, "after": after} if signal else {}),
            "seconds": seconds or 12 * self.patience,
        }
        self.forks.stdin.write(json.dumps(asked) + "\n")
        self.forks.stdin.flush()
        answer = json.loads(self.forks.stdout.readline())
        return Done(**answer, output=output.read_bytes().decode("utf-8", "backslashreplace"))

    def wrong(self, done: Done, truth: dict[str, set[str]] | None = None, *, ends=_EXITS) -> str:  # noqa: PLR0911 - a list of what must hold
        """Return what does not hold of an ended command; empty if everything does.

        Args:
            done: The command.
            truth: {version: verdicts that are right}, where that differs from what the index has.
            ends: The exit statuses that are right.
        """
        if done.hung:
            return f"it hung: {done.output[-300:]}"
        if done.sent and done.code < 0:
            return ""
        for said in ("Traceback (most recent call last)", "fault of the harness itself"):
            if said in done.output:
                return f"{said}: {done.output[-1500:]}"
        if harmful := _HARMFUL.search(done.output):
            return f"{harmful[0]!r} reaches the terminal: {done.output[-300:]!r}"
        if done.code not in ends and not (done.sent and done.code == 130):
            return f"exit status {done.code}: {done.output[-1500:]}"
        if done.code in {2, 4} and "error: " not in done.output:
            return f"exit status {done.code} without a message: {done.output[-300:]}"
        return self.wrong_verdicts(done, truth or {}) if done.code == 0 else ""

    def wrong_verdicts(self, done: Done, truth: dict[str, set[str]]) -> str:
        """Return which verdict of the report that a command names is not true."""
        named = re.findall(r"^report: (.+)/index\.html$", done.output, re.MULTILINE)
        if not named:
            return ""
        report = json.loads((self.work / named[-1] / "report.json").read_text(encoding="utf-8"))
        (arm,) = report["arms"]
        for row in arm["releases"]:
            usual = "good" if int(row["version"].rpartition(".")[2]) < self.bad_from else "bad"
            right = truth.get(row["version"], {usual}) | {"skip", "untested"}
            if row["verdict"] not in right:
                return f"{row['version']} is called {row['verdict']} ({row['reason']}), and is {right}"
        rows = {row["version"]: row["verdict"] for row in arm["releases"]}
        for one in arm["boundaries"]:
            sides = (rows[one["before"]], rows[one["after"]])
            if one["signal"] == "verdict" and set(sides) != {"good", "bad"}:
                return f"a boundary between {sides}: {one}"
        return ""

    def exact(self, done: Done) -> str:
        """Return why a command does not give the whole right answer; empty if it does."""
        if wrong := self.wrong(done, ends={0}):
            return wrong
        said = (
            f"1.{self.bad_from - 1} is the last good release, 1.{self.bad_from} the first bad one, confirmed"
        )
        return "" if said in done.output else f"not the whole answer: {done.output[-600:]}"


def _remove(path: Path):
    subprocess.run(["chmod", "-R", "u+rwX", path], check=False, capture_output=True)
    subprocess.run(["rm", "-rf", path], check=True)
