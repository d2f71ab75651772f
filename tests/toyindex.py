"""A package index on the loopback interface that serves tiny real wheels, made here."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata


@dataclass
class File:
    """One file of a release, as the index serves it."""

    name: str
    content: bytes
    uploaded: str | None = None
    requires_python: str | None = None
    yanked: str | bool = False
    hashed: bool = True

    def entry(self, *, metadata: bool = False) -> dict:
        entry = {
            "filename": self.name,
            "url": f"/files/{self.name}",
            "hashes": {"sha256": hashlib.sha256(self.content).hexdigest()} if self.hashed else {},
            "yanked": self.yanked,
        }
        if metadata and self.name.endswith(".whl"):
            entry["core-metadata"] = {"sha256": hashlib.sha256(self.metadata()).hexdigest()}
        if self.uploaded:
            entry["upload-time"] = self.uploaded
        if self.requires_python:
            entry["requires-python"] = self.requires_python
        return entry

    def metadata(self) -> bytes:
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
            return archive.read(name)


def wheel(
    name: str,
    version: str,
    code: str,
    requires: tuple[str, ...] = (),
    program: str = "",
    *,
    start: str = "",
    beside: dict[str, str] | None = None,
    **facts,
) -> File:
    """Make a wheel with one module.

    Args:
        program: A program that calls its `main`; none if empty.
        start: A line that Python executes as it starts, in a `.pth` file; none if empty.
        beside: {path: content} of further files.
    """
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {item}\n" for item in requires)
    files = {
        f"{name}/__init__.py": code,
        **(beside or {}),
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: toy\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if program:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{program} = {name}:main\n"
    if start:
        files[f"{name}.pth"] = f"{start}\n"
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return File(f"{name}-{version}-py3-none-any.whl", buffer.getvalue(), **facts)


def broken_sdist(name: str, version: str, **facts) -> File:
    """Make a source distribution whose metadata reads well and whose build fails."""
    return sdist(name, version, "raise RuntimeError('this release cannot be built')\n", **facts)


def sdist(name: str, version: str, backend: str, requires: tuple[str, ...] = (), **facts) -> File:
    """Make a source distribution with a build backend of its own, a module `backend`, and what that requires."""
    files = {
        "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": f'[build-system]\nrequires = {list(requires)}\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\n',
        "backend.py": backend,
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return File(f"{name}-{version}.tar.gz", buffer.getvalue(), **facts)


@dataclass
class ToyIndex:
    """Serves packages by the JSON simple API; `nonsense` makes it answer something else.

    Attributes:
        metadata: Serve the metadata of wheels beside them (PEP 658).
        ranges: Serve the last bytes of a file to who asks for no more.
        lasting: Nothing that was served once ever changes, so that who asks may keep it.
        claims: {package: what the index says of each of its files, true or not}.
    """

    packages: dict[str, list[File]] = field(default_factory=dict)
    nonsense: bytes | None = None
    status: int = 200
    metadata: bool = False
    ranges: bool = False
    lasting: bool = False
    claims: dict[str, dict] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def add(self, package: str, *files: File) -> None:
        self.packages.setdefault(package, []).extend(files)

    def __enter__(self):
        index = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # one connection for all that a uv asks

            def do_HEAD(self):
                self.do_GET(body_wanted=False)

            def do_GET(self, *, body_wanted=True):
                index.requests.append(self.path)
                status, kind, body = index.answer(self.path)
                wanted = re.fullmatch(r"bytes=-(\d+)", self.headers.get("Range") or "")
                if index.ranges and status == 200 and wanted:
                    whole, body, status = len(body), body[-int(wanted[1]) :], 206
                self.send_response(status)
                if status == 206:
                    self.send_header("Content-Range", f"bytes {whole - len(body)}-{whole - 1}/{whole}")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                kept = index.lasting and status == 200
                self.send_header("Cache-Control", "max-age=3600, immutable" if kept else "no-cache")
                self.end_headers()
                if body_wanted:
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/simple"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        if path.startswith("/files/"):
            name = path.rpartition("/")[2]
            files = [file for files in self.packages.values() for file in files]
            if self.metadata and name.endswith(".metadata"):
                found = [file for file in files if f"{file.name}.metadata" == name]
                return (200, "text/plain", found[0].metadata()) if found else (404, "text/plain", b"")
            found = [file for file in files if file.name == name]
            return (200, "application/octet-stream", found[0].content) if found else (404, "text/plain", b"")
        if self.nonsense is not None or self.status != 200:
            return self.status, "application/vnd.pypi.simple.v1+json", self.nonsense or b""
        name = path.strip("/").rpartition("/")[2]
        if name not in self.packages:
            return 404, "text/plain", b"no such project"
        page = {
            "meta": {"api-version": "1.1"},
            "name": name,
            "versions": [],
            "files": [
                {**file.entry(metadata=self.metadata), **self.claims.get(name, {})}
                for file in self.packages[name]
            ],
        }
        return 200, "application/vnd.pypi.simple.v1+json", json.dumps(page).encode()


DAYS = [f"2024-01-{day:02d}T12:00:00Z" for day in range(1, 29)]

GOOD = "def loss(step):\n    return 1.0 / step\n"
BAD = "def loss(step):\n    return float('nan') if step >= 3 else 1.0 / step\n"
CRASH = "def loss(step):\n    if step == 2:\n        raise RuntimeError('planted')\n    return 1.0 / step\n"
HANG = "import time\ndef loss(step):\n    time.sleep(600)\n"
KILLED = "import os, signal\ndef loss(step):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
NO_IMPORT = "raise ImportError('planted: cannot be imported')\n"
FLAKY = (
    # A result's folder is named after its repeat while it is recorded, as `.0.….tmp`.
    "import os, pathlib\ncount = 1 + int(pathlib.Path(os.environ['HARNESS_TRACE']).parent.name.split('.')[1])\n"
    + BAD.replace("step >= 3", "count % 5 == 1 and step >= 3")
)

# A history as real ones are: good, a gap of releases that cannot be tested, bad, repaired.
HISTORY = {
    "1.0": GOOD,
    "1.1": GOOD,
    "1.2": "unresolvable",
    "1.3": "unbuildable",
    "1.4": NO_IMPORT,
    "2.0": BAD,
    "2.1": BAD,
    "2.2": KILLED,
    "3.0": GOOD,
    "3.1": GOOD,
}


def plant(index: ToyIndex, history: dict[str, str], name: str = "toy") -> None:
    """Put a history on an index, a day a release; version 1.1 is yanked."""
    for (version, code), day in zip(history.items(), DAYS, strict=False):
        facts = {"uploaded": day, "requires_python": ">=3.8"}
        if version == "1.1":
            facts["yanked"] = "planted"
        if code == "unresolvable":
            file = wheel(name, version, GOOD, requires=("there-is-no-such-package>=1",), **facts)
        elif code == "unbuildable":
            # A build that fails by itself would take a quarter of a second in each run.
            file = sdist(name, version, "", requires=("there-is-no-such-backend",), **facts)
        else:
            file = wheel(name, version, code, requires=("helper",), **facts)
        index.add(name, file)


def installed_wheel(name: str, **facts) -> File:
    """Make a wheel of a package of pure Python from the files that are installed here; its programs are left out."""
    found = metadata.distribution(name)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        record = ""
        for path in found.files or ():
            own = path.parts[0] not in {"..", "/"} and "__pycache__" not in path.parts
            if own and path.name not in {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}:
                content = path.locate().read_bytes()
                digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                record += f"{path},sha256={digest},{len(content)}\n"
                archive.writestr(zipfile.ZipInfo(path.as_posix()), content)
        (info,) = {path.parts[0] for path in found.files or () if path.parts[0].endswith(".dist-info")}
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), record + f"{info}/RECORD,,\n")
    return File(f"{name.replace('-', '_')}-{found.version}-py3-none-any.whl", buffer.getvalue(), **facts)
