"""Planted pairs of environments: an index of many small packages, two lists of them, and the job that fails."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from toyindex import DAYS, wheel

COUNT = int(os.environ.get("HARNESS_TEST_CHANGES", "4"))
"""Changed packages that do nothing, unless a test says otherwise; 40 take ten times as long, mostly in uv."""
NEUTRAL = PLAIN = {"1.0": "X = 1\n", "2.0": "X = 2\n"}
"""What a package holds that does nothing, and one that a job looks at."""


def names(count=COUNT):
    return [f"pad{number:02d}" for number in range(count)]


def serve(index, packages):
    """Put packages {name: {version: code, or (code, requirements)}} on an index, a day a version."""
    for name, history in packages.items():
        for (version, given), day in zip(history.items(), DAYS, strict=False):
            code, requires = given if isinstance(given, tuple) else (given, ())
            index.add(name, wheel(name, version, code, tuple(requires), uploaded=day))


def freeze(path, versions):
    """Write a list as `pip freeze` prints it."""
    Path(path).write_text(
        "".join(f"{name}=={version}\n" for name, version in versions.items()), encoding="utf-8"
    )


def job(*lines, imports=()):
    """Write the job: it imports packages, then does what the lines say."""
    text = "".join(f"import {name}\n" for name in imports) + "".join(f"{line}\n" for line in lines)
    Path("job.py").write_text(text, encoding="utf-8")


@dataclass
class Answered:
    """What one blame said."""

    done: object
    report: dict

    @property
    def blame(self):
        return self.report["blame"]

    @property
    def headline(self):
        return self.report["arms"][0]["answer"]

    @property
    def sets(self):
        """The culprits: a set of parts each, a part being names."""
        changes = [one["name"] for one in self.blame["changes"]]
        return [[[changes[place] for place in part] for part in one["parts"]] for one in self.blame["sets"]]

    def standing(self, standing):
        return [one["name"] for one in self.blame["changes"] if one["standing"] == standing]


def read(done):
    return Answered(done, json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8")))
