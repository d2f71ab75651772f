"""A tree of files laid over an environment, and the proof that it is what a job imported."""

from __future__ import annotations

import csv
import hashlib
import shutil
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.files import whole_folder

if TYPE_CHECKING:
    from pathlib import Path

    from harness.descent.hunks import Tree
    from harness.traces.trace import Trace


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


def digest(tree: Tree) -> str:
    """Return a digest of all paths and contents."""
    whole = hashlib.sha256()
    for name, content in sorted(tree.items()):
        whole.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def write(tree: Tree, overlays: Path) -> Path:
    """Write a tree below a folder, once, and return its own folder."""
    folder = overlays / digest(tree)[:20]
    if not folder.exists():
        overlays.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder) as new:
            for name, content in tree.items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    return folder


def remove(overlays: Path) -> None:
    """Remove all overlays; every one is made again when it is needed."""
    shutil.rmtree(overlays, ignore_errors=True)


def proven(trace: Trace, tree: Tree) -> bool:
    """Tell whether a job imported the package from its overlay and from nowhere else, every file as it should be."""
    told = trace.overlay
    if told is None or told["elsewhere"] or not told["files"]:
        return False
    return all(
        name in tree and hashlib.sha256(tree[name]).hexdigest() == content
        for name, content in told["files"].items()
    )
