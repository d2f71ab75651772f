"""The files of a package as a commit has them: read from the repository, or built where it has compiled parts."""

from __future__ import annotations

import io
import tarfile
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.environments.environment import NotInstallable
from harness.git import LINK, SUBMODULE, GitError
from harness.sessions.overlay import lay
from harness.uv import Uv

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from harness.git import Entry, Git
    from harness.sessions.overlay import Overlay, Tree

_COMPILED = (".so", ".pyd", ".dylib")


class UnreadableError(Exception):
    """The files of a commit cannot be had; carries why, in one sentence."""


class Trees:
    """The package's files in the commits of one repository.

    Args:
        git: The repository.
        places: {top-level name: path in the repository}, as either release has it; where both differ, a commit has
            the one or the other.
        kept: Files that no commit has so, since a build makes or rewrites them, or since they lie in a store of large
            files: they stay as the release has them.
        rewritten: Those of them of which commits have another form.
        overlays: Folder for the overlays.
        package: Canonical name.
        builder: Builds a commit; None where the files are all that is needed.
        patched: Returns a commit's files with what every commit gets.
    """

    def __init__(
        self,
        git: Git,
        places: Sequence[Mapping[str, str]],
        kept: Tree,
        rewritten: Collection[str],
        *,
        overlays: Path,
        package: str,
        builder: Builder | None,
        patched: Callable[[Tree], Tree] = lambda tree: tree,
    ) -> None:
        self.git, self.kept, self.rewritten, self.builder = git, kept, frozenset(rewritten), builder
        self.overlays, self.package, self.patched = overlays, package, patched
        tops = dict.fromkeys(top for one in places for top in one)
        self._places = {top: list(dict.fromkeys(one[top] for one in places if top in one)) for top in tops}
        self._contents: dict[str, bytes] = {}
        self._laid: dict[str, Overlay | NotInstallable] = {}
        self._lock = threading.Lock()

    def states(self, commits: Sequence[str]) -> list[str]:
        """Return for each commit what is equal where the package is: names of its folders; of a build, of everything."""
        if self.builder is not None:
            return self.git.names([f"{commit}^{{tree}}" for commit in commits])
        places = [place for several in self._places.values() for place in several]
        names = self.git.names([f"{commit}:{place}" for commit in commits for place in places])
        width = len(places)
        return [" ".join(names[start : start + width]) for start in range(0, len(names), width)]

    def overlay(self, commit: str) -> Overlay | NotInstallable:
        """Return a commit's files as an overlay, or why they cannot be had."""
        with self._lock:
            if commit not in self._laid:
                try:
                    self._laid[commit] = lay(self.tree(commit), self.overlays, self.package)
                except (UnreadableError, GitError) as error:
                    self._laid[commit] = NotInstallable(str(error))
            return self._laid[commit]

    def tree(self, commit: str) -> Tree:
        """Return a commit's files.

        Raises:
            UnreadableError: They cannot be had.
        """
        built = self.builder.build(commit) if self.builder is not None else None
        return self.patched({**self.kept, **self.own(commit)} if built is None else built)

    def own(self, commit: str) -> Tree:
        """Return the files of the package that lie in the repository at a commit.

        Raises:
            UnreadableError: One is missing in this clone, or the package is not there.
        """
        there = self.git.files(commit, *(place for several in self._places.values() for place in several))
        folders = {path[:end] for path in there for end in _ends(path)}
        places = {
            top: next((place for place in several if place in folders), several[0])
            for top, several in self._places.items()
        }
        named = {name: one for path, one in there.items() if (name := self._name(path, one, places))}
        if not named:
            raise UnreadableError(
                "the commit does not hold the package: it lies elsewhere, or in a submodule"
            )
        named = {name: one for name, one in named.items() if name not in self.rewritten}
        self._read({one.object for one in named.values()})
        return {name: self._contents[one.object] for name, one in named.items()}

    def _name(self, path: str, entry: Entry, places: Mapping[str, str]) -> str:
        """Return where a file of the repository lies below site-packages; empty if it is none of the package's."""
        if entry.mode in {LINK, SUBMODULE}:
            return ""
        for top, place in places.items():
            if path == place or path.startswith(f"{place}/"):
                return top + path[len(place) :]
        return ""

    def _read(self, objects: set[str]) -> None:
        missing = sorted(objects - self._contents.keys())
        try:
            for name, content in zip(missing, self.git.contents(missing), strict=True):
                if content is None:
                    raise UnreadableError(self._partial(name))
                self._contents[name] = content
        except GitError as error:  # git asks the origin for what a partial clone lacks, and that one is gone
            raise UnreadableError(f"{self._partial(missing[0])}; git says: {error}") from None

    def _partial(self, name: str) -> str:
        return f"the clone {self.git.source} is a partial one and lacks {name[:10]}: `git fetch --refetch` brings it"


class Builder:
    """Builds commits of a package that has compiled parts.

    Args:
        git: The repository.
        uv: Builds.
        python: Interpreter of the environment.
        version: That a build takes for its own where it asks git for one.
    """

    def __init__(self, git: Git, uv: Uv, python: Path, version: str) -> None:
        self.git, self.python = git, python
        # The tree is built without its history, which setuptools-scm and hatch-vcs would read.
        variables = {**uv.variables, "SETUPTOOLS_SCM_PRETEND_VERSION": version}
        self.uv = Uv(variables, confined=uv.confined)

    def build(self, commit: str) -> Tree:
        """Return the files of the wheel that a commit builds.

        Raises:
            UnreadableError: It cannot be built.
        """
        with tempfile.TemporaryDirectory(prefix="harness-build-") as folder:
            source, out = Path(folder, "source"), Path(folder, "out")
            with tarfile.open(fileobj=io.BytesIO(self.git.run("archive", "--format=tar", commit))) as archive:
                archive.extractall(source, filter="data")
            words = ("build", "--wheel", "--quiet", "--python", str(self.python), "--out-dir", str(out))
            done = self.uv.run(*words, str(source), writable=[folder])
            made = sorted(out.glob("*.whl"))
            if done.code or not made:
                raise UnreadableError(f"the commit cannot be built: {done.reason}")
            return _unpacked(made[0])


def _unpacked(wheel: Path) -> Tree:
    """Return the files of a wheel as they lie when it is installed, metadata left out."""
    tree: Tree = {}
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            top, _, rest = member.partition("/")
            kind, _, below = rest.partition("/")
            data = top.endswith(".data") and kind in {"purelib", "platlib"}
            if not member.endswith("/") and (data or not top.endswith((".data", ".dist-info"))):
                tree[below if data else member] = archive.read(member)
    return tree


def _ends(path: str) -> list[int]:
    """Return where the folders of a path end, and its own end."""
    return [place for place, letter in enumerate(path) if letter == "/"] + [len(path)]


def compiled(tree: Tree) -> bool:
    """Tell whether a package has parts that a compiler made."""
    return any(name.endswith(_COMPILED) for name in tree)
