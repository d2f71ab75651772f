"""Compiled templates, kept beside the drawn figures: to compile those of a page takes a tenth of a second, to read them none."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import BytecodeCache

from harness.files import read_regular, write_cache
from harness.report.cache import oldest_beyond

if TYPE_CHECKING:
    from jinja2.bccache import Bucket

MOST = 200
"""Compiled templates kept; one version of the harness has about 25."""
_ENDING = ".template"


@dataclass(slots=True)
class CompiledTemplates(BytecodeCache):
    """Hands compiled templates to jinja2.

    A file begins with the SHA-256 of what follows: Python may crash on damaged bytecode.

    Attributes:
        folder: Where they are kept.
    """

    folder: Path

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take a template's bytecode from its file, if that is whole."""
        try:
            content = read_regular(self._file(bucket))
        except (OSError, ValueError):
            return
        digest, code = content[:32], content[32:]
        if hashlib.sha256(code).digest() == digest:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template's bytecode; the oldest ones make room."""
        code = bucket.bytecode_to_string()
        write_cache(self._file(bucket), hashlib.sha256(code).digest() + code)
        for path in oldest_beyond(self.folder, f"*{_ENDING}", MOST):
            path.unlink(missing_ok=True)

    def _file(self, bucket: Bucket) -> Path:
        about = f"{_compiler()} {bucket.key} {bucket.checksum}"
        return self.folder / f"{hashlib.sha256(about.encode()).hexdigest()[:32]}{_ENDING}"


@cache
def _compiler() -> str:
    """Return what decides the bytecode besides the template: the options of jinja2, jinja2 and Python."""
    options = hashlib.sha256((Path(__file__).parent / "render.py").read_bytes()).hexdigest()
    return f"{options} jinja2 {version('jinja2')} {sys.implementation.cache_tag}"
