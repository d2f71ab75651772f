"""Where state lives: `.harness/` in the working folder, or `$HARNESS_HOME`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class State:
    """The places of the state; all but the history can be deleted at any time and are made again when needed."""

    root: Path

    @classmethod
    def find(cls) -> State:
        """Return `$HARNESS_HOME`, else `.harness` in the working folder."""
        return cls(Path(os.environ.get("HARNESS_HOME") or ".harness").absolute())

    @property
    def listings(self) -> Path:
        """Last answer of the package index, a file a package."""
        return self.root / "listings"

    @property
    def agreed(self) -> Path:
        """How much of which package may be downloaded."""
        return self.root / "agreed.json"

    @property
    def locks(self) -> Path:
        """Resolved locks, a file a question."""
        return self.root / "locks"

    @property
    def environments(self) -> Path:
        """Virtual environments, a folder a lock."""
        return self.root / "environments"

    @property
    def probes(self) -> Path:
        """Results of probes, a folder a probe."""
        return self.root / "probes"

    @property
    def wheels(self) -> Path:
        """Files that bundles were made from, by their digest."""
        return self.root / "wheels"

    @property
    def bundles(self) -> Path:
        """Unpacked bundles, a folder each."""
        return self.root / "bundles"

    @property
    def jobs(self) -> Path:
        """On a worker: the files of jobs, a folder a digest."""
        return self.root / "jobs"

    @property
    def notebooks(self) -> Path:
        """Notebooks as scripts, a folder each."""
        return self.root / "notebooks"

    @property
    def conflicts(self) -> Path:
        """Results and locks of other state directories that contradict this one's, kept apart."""
        return self.root / "conflicts"

    @property
    def drawings(self) -> Path:
        """Drawn figures of reports, by what decides how they look."""
        return self.root / "drawings"

    @property
    def sources(self) -> Path:
        """Clones of watched sources, and the wheels built from them."""
        return self.root / "sources"

    @property
    def history(self) -> Path:
        """What every night and every run found, see `harness.history.schema`."""
        return self.root / "history.sqlite"
