"""A tree of files laid over an environment, and the proof that it is what a job imported."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from harness.files import whole_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.traces.trace import Trace

Tree = dict[str, bytes]
"""{path below site-packages: content} of a package."""
VARIABLE = "HARNESS_OVERLAY"


@dataclass(frozen=True, slots=True)
class Overlay:
    """Files of the package under test in place of those that an environment has.

    Attributes:
        package: Canonical name.
        folder: Where they lie.
        digest: Of all paths and contents.
        sums: {path: SHA-256}.
    """

    package: str
    folder: Path
    digest: str
    sums: Mapping[str, str] = field(repr=False)

    def instructions(self) -> dict[str, Any]:
        """Return what the recorder is asked."""
        return {"overlay": {"package": self.package, "digest": self.digest}}

    def variables(self) -> dict[str, str]:
        """Return the environment variables of a probe."""
        return {VARIABLE: str(self.folder)}

    def tree(self) -> Tree:
        """Return the files; what a job put beside them is left out."""
        return {name: (self.folder / name).read_bytes() for name in self.sums}

    def proven(self, trace: Trace) -> bool:
        """Tell whether a job imported the package from here and from nowhere else, every file as it should be."""
        told = trace.overlay
        if told is None or told["elsewhere"] or not told["files"]:
            return False
        return all(self.sums.get(name) == content for name, content in told["files"].items())


def lay(tree: Tree, overlays: Path, package: str) -> Overlay:
    """Write a tree below a folder, once, and return it as an overlay.

    Args:
        tree: All files of the package.
        overlays: Folder of all overlays.
        package: Canonical name.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in tree.items()}
    whole = hashlib.sha256("".join(f"{name}\0{one}\n" for name, one in sorted(sums.items())).encode())
    # Under the name that installed files lie in, a line of a traceback is told as one of theirs.
    folder = overlays / whole.hexdigest()[:20] / "site-packages"
    if not folder.exists():
        overlays.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder.parent) as new:
            for name, content in tree.items():
                path = new / "site-packages" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    return Overlay(package, folder, whole.hexdigest(), sums)


def installed(site: Path, package: str) -> Tree:
    """Return the files of a package as its environment has them; bytecode and metadata left out.

    Args:
        site: The environment's site-packages.
        package: Canonical name.
    """
    tree: Tree = {}
    for info in site.glob("*.dist-info"):
        if canonicalize_name(info.name.split("-")[0]) != package:
            continue
        with (info / "RECORD").open(encoding="utf-8", newline="") as record:
            names = [row[0] for row in csv.reader(record) if row]
        for name in names:
            top = name.partition("/")[0]
            own = top != ".." and not top.endswith(".dist-info") and not name.endswith(".pyc")
            if own and (site / name).is_file():
                tree[name] = (site / name).read_bytes()
    return tree


@contextmanager
def kept(overlays: Path) -> Iterator[None]:
    """Keep all overlays while the block runs, and remove them after it, unless another process keeps them too.

    Every one is made again when it is needed.
    """
    overlays.mkdir(parents=True, exist_ok=True)
    with overlays.with_name(f"{overlays.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(overlays, ignore_errors=True)
