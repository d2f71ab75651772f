"""A notebook becomes a script with a marker before each cell, so that a probe needs no Jupyter in its environment.

Jupyter's own packages would have to be installed beside those under test, and would move some of them. What only a
notebook understands (lines with % and !, cells with %%) becomes a comment, as jupytext does it; `%time` and `%timeit`
leave their statement. Lines that install packages are reported and never executed: an environment is locked.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from harness.errors import UsageError
from harness.files import write_atomic
from harness.scenario.script import sources

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".ipynb"
_PIP = re.compile(r"^# [%!] ?(?:python3? -m )?(?:uv )?pip3? +install +(?P<words>.+)$", re.MULTILINE)
_TIMED = re.compile(r"^(?P<space>\s*)# %time(?:it)? +(?!-)(?P<statement>\S.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook as a script.

    Attributes:
        script: Where the script stands, with the modules beside the notebook that it imports.
        installs: Lines that install packages, as the notebook has them.
        requirements: What those lines name.
    """

    script: Path
    installs: tuple[str, ...]
    requirements: tuple[str, ...]


def convert(notebook: Path, folder: Path) -> Notebook:
    """Write a notebook as a script into a folder of its own, named by its content.

    Args:
        notebook: Of version 3 or 4, in Python.
        folder: Holds the folders of scripts.

    Raises:
        UsageError: It cannot be read, or is in another language.
    """
    import jupytext  # noqa: PLC0415 - slow, and of use for notebooks alone

    try:
        content = jupytext.read(notebook)
    except Exception as error:  # noqa: BLE001 - whatever nbformat and jupytext raise
        raise UsageError(
            f"{notebook}: not a notebook that can be read ({type(error).__name__}: {error})"
        ) from None
    language = content.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise UsageError(f"{notebook}: a notebook in {language}; only those in Python can be executed")
    for cell in content.cells:
        cell.metadata = {}
    content.metadata["jupytext"] = {"notebook_metadata_filter": "-all"}
    text = _TIMED.sub(r"\g<space>\g<statement>", jupytext.writes(content, fmt="py:percent"))
    if re.search(r"\bdisplay\(", text):
        text = f"display = print\n\n{text}"
    lines = tuple(match[0].removeprefix("# ") for match in _PIP.finditer(text))
    named = tuple(name for match in _PIP.finditer(text) for name in _requirements(match["words"]))
    script = _written(text, notebook, folder)
    return Notebook(script, lines, named)


def _written(text: str, notebook: Path, folder: Path) -> Path:
    """Write the script, and beside it what it imports from beside the notebook."""
    digest = hashlib.sha256(f"{notebook.resolve()}\0{text}".encode()).hexdigest()[:20]
    script = folder / digest / f"{notebook.stem}.py"
    write_atomic(script, text)
    for path in sources(script, notebook.parent):
        if path != script:
            to = script.parent / path.relative_to(notebook.parent)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
    return script


def _requirements(words: str) -> list[str]:
    """Return the requirements among the words of an installation; options and paths are none."""
    found = []
    for word in shlex.split(words, comments=True):
        try:
            found.append(str(Requirement(word)))
        except InvalidRequirement:
            continue
    return found
