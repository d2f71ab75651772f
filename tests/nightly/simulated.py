"""A package whose releases appear day by day, watched night by night."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from toyindex import GOOD, wheel

from harness.nightly.config import load_config
from harness.nightly.nightly import nightly
from harness.state import State

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "import helper\nfactor = getattr(helper, 'factor', 0.9)\ndef loss(step):\n    return factor / step\n"
ONCE_BAD = (
    "import os, pathlib\nfirst = pathlib.Path(os.environ['HARNESS_TRACE']).parent.name.startswith('.0.')\n"
    "def loss(step):\n    return float('nan') if first and step >= 3 else 1.0 / step\n"
)


class Silent:
    """A watcher that keeps the notes."""

    def __init__(self):
        self.notes = []

    def expected(self, count):
        pass

    def started(self, arm, version, repeat):
        pass

    def finished(self, arm, version, repeat, finding):
        pass

    def note(self, text):
        self.notes.append(text)


class Month:
    """Days on which releases appear, each with its night."""

    def __init__(self, index, folder: Path, config: str):
        self.index = index
        self.folder = folder
        self.state = State.find()
        (folder / "nightly.toml").write_text(config, encoding="utf-8")

    def release(self, version: str, code: str = GOOD, day: int = 1, name: str = "toy", **facts):
        requires = facts.pop("requires", ("helper",) if name == "toy" else ())
        facts = {"uploaded": f"2024-02-{day:02d}T08:00:00Z", "requires_python": ">=3.8", **facts}
        self.index.add(name, wheel(name, version, code, requires=requires, **facts))

    def file(self, version: str):
        return next(file for file in self.index.packages["toy"] if f"-{version}" in file.name)

    def publishes(self):
        """Let every night from now on publish the site, which takes longer the more runs there are."""
        config = self.folder / "nightly.toml"
        config.write_text('publish = "site"\n' + config.read_text(encoding="utf-8"), encoding="utf-8")

    def night(self, day: int, **options):
        config = load_config(self.folder / "nightly.toml")
        return nightly(config, self.state, Silent(), datetime(2024, 2, day, 23, tzinfo=UTC), **options)


def story(told):
    """Return (kind, release, text) of every event of a night."""
    return [(event.kind, event.release, event.text) for event in told.events]
