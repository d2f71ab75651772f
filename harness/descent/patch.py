"""A patch of the user's that every candidate gets: commits between two releases may lack a repair that both need."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.git import Git, GitError

if TYPE_CHECKING:
    from harness.sessions.overlay import Tree


class Patch:
    """A unified diff, as `git diff` writes it; files that are none of the package's are left out of it.

    Args:
        path: The file.

    Attributes:
        count: To how many trees it was applied.

    Raises:
        UsageError: There is no such file, or it is no patch.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        if not self.path.is_file():
            raise UsageError(f"--patch {path}: there is no such file")
        try:
            told = Git(None, str(path))("apply", "--numstat", "-z", str(self.path))
        except GitError as error:
            raise UsageError(f"--patch {path}: git reads no patch there ({error})") from None
        self.count = 0
        self.files = [row.split("\t")[-1] for row in told.split("\0") if row]

    def applied(self, tree: Tree) -> Tree:
        """Return a tree with the patch; the tree as it is where the patch does not apply, or is in it already.

        Args:
            tree: Files of the package.
        """
        own = {file: name for file in self.files if (name := _name(file, tree))}
        if not own:
            return tree
        with tempfile.TemporaryDirectory(prefix="harness-patch-") as folder:
            top = Path(folder)
            for file, name in own.items():
                if name in tree:
                    (top / file).parent.mkdir(parents=True, exist_ok=True)
                    (top / file).write_bytes(tree[name])
            try:
                Git(top, str(self.path))("apply", *(f"--include={file}" for file in own), str(self.path))
            except GitError:
                return tree
            there = {name: (top / file).read_bytes() for file, name in own.items() if (top / file).is_file()}
        self.count += 1
        return {**{name: content for name, content in tree.items() if name not in own.values()}, **there}


def _name(file: str, tree: Tree) -> str:
    """Return which file of a package a path of a repository is; empty if it is none of its files, nor a new one."""
    parts = file.split("/")
    ends = ["/".join(parts[start:]) for start in range(len(parts))]
    folders = {name.rpartition("/")[0] for name in tree}
    known = next((end for end in ends if end in tree), "")
    return known or next((end for end in ends if "/" in end and end.rpartition("/")[0] in folders), "")
