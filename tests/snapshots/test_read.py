"""Lists of packages: files that real tools made on the toy index, hand-made ones of every format, and bad input."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import venv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from harness.errors import UsageError
from harness.locks.lock import Lock, Pinned
from harness.snapshots import AsOf, Origin, Reason, known_to, read
from harness.snapshots.read import read_text
from harness.snapshots.snapshot import Kind, plain_platform
from harness.uv import Uv

PROJECT = """
[project]
name = "job"
version = "1.0"
requires-python = ">=3.8"
dependencies = ["toy==3.0", "helper==1.0", "helper2; sys_platform == 'no-such-system'"]

[project.optional-dependencies]
more = ["extra"]

[dependency-groups]
dev = ["tool"]
docs = ["writer"]
"""


SCRIPT = """\
# /// script
# requires-python = ">=3.8"
# dependencies = ["toy==3.0", "helper2; sys_platform == 'no-such-system'"]
# ///
"""


@pytest.fixture(scope="module")
def made(toy_index, tmp_path_factory):
    """A folder with files that uv itself wrote: locks, exports, an environment and what is listed of it."""
    from toyindex import wheel

    for name in ("helper2", "extra", "tool", "writer"):
        toy_index.add(name, wheel(name, "1.0", "", uploaded="2024-01-01T00:00:00Z"))
    folder = tmp_path_factory.mktemp("made")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "in.txt").write_text("toy==3.0\nhelper==1.0\n")
    (folder / "mine").mkdir()
    (folder / "mine" / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "0.3"\n')
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_"))}
    environment = {
        **clean,
        "UV_DEFAULT_INDEX": toy_index.url,
        "UV_CACHE_DIR": str(folder / "cache"),
        "UV_PYTHON": sys.executable,
    }

    def uv(*words):
        done = subprocess.run(
            [Uv().program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    uv("lock")
    (folder / "job.py").write_text(SCRIPT)
    uv("lock", "--script", "job.py")
    uv("export", "--format", "pylock.toml", "-o", "pylock.toml")
    uv("export", "--format", "requirements-txt", "--no-emit-project", "-o", "exported.txt")
    uv("pip", "compile", "in.txt", "--generate-hashes", "-o", "compiled.txt")
    uv("venv", "environment")
    python = str(folder / "environment" / "bin" / "python")
    uv("pip", "install", "--python", python, "toy==3.0", "helper==1.0")
    site = next((folder / "environment" / "lib").glob("python*/site-packages"))
    info = (
        site / "mine-0.3.dist-info"
    )  # as an editable install leaves it (PEP 610, PEP 660), with no build backend
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 0.3\n")
    (info / "RECORD").write_text("")
    (info / "direct_url.json").write_text(
        json.dumps({"url": (folder / "mine").as_uri(), "dir_info": {"editable": True}})
    )
    (folder / "freeze.txt").write_text(uv("pip", "freeze", "--python", python))
    (folder / "list.json").write_text(uv("pip", "list", "--python", python, "--format", "json"))
    return folder


def versions(name, **options):
    return read(str(name), **options).versions()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("uv.lock", Kind.UV_LOCK),
        ("pylock.toml", Kind.PYLOCK),
        ("exported.txt", Kind.REQUIREMENTS),
    ],
)
def test_what_uv_locks(made, name, kind):
    snapshot = read(str(made / name))
    assert snapshot.kind == kind
    assert snapshot.versions() == {"helper": "1.0", "toy": "3.0", "tool": "1.0"}
    assert "helper2" in snapshot.left_out
    assert all(len(one.hashes) == 1 and one.hashes[0].startswith("sha256:") for one in snapshot.packages)
    assert snapshot.requires_python == (">=3.8" if kind != Kind.REQUIREMENTS else "")


def test_uv_locks_extras_and_further_groups_are_left_out(made):
    assert {"extra", "writer"} <= set(read(str(made / "uv.lock")).left_out)


def test_what_uv_locks_for_a_script(made):
    snapshot = read(str(made / "job.py.lock"))
    assert snapshot.versions()["toy"] == "3.0"
    assert snapshot.left_out == ("helper2",)


def test_what_uv_compiles_with_hashes(made):
    assert versions(made / "compiled.txt") == {"helper": "1.0", "toy": "3.0"}


@pytest.mark.parametrize(
    "name", ["freeze.txt", "list.json", "environment", "environment/bin/python", "environment/bin/python3"]
)
def test_what_an_environment_holds_by_every_way_to_tell_it(made, name):
    snapshot = read(str(made / name))
    assert snapshot.versions() == {"helper": "1.0", "toy": "3.0"}
    (mine,) = snapshot.obstacles
    assert mine.reason == Reason.EDITABLE
    assert str(made / "mine") in mine.text
    if not name.startswith("freeze"):
        assert (mine.name, mine.version) == ("mine", "0.3")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("linux-64", "linux-x86_64"),
        ("linux-x86_64", "linux-x86_64"),
        ("linux-aarch64", "linux-aarch64"),
        ("osx-arm64", "macosx-arm64"),
        ("macosx-11.0-arm64", "macosx-arm64"),
        ("win-64", "win-amd64"),
        ("win-amd64", "win-amd64"),
        ("win32", "win32"),
    ],
)
def test_a_platform_has_one_spelling(name, plain):
    assert plain_platform(name) == plain


def test_a_python_tells_its_own_version_and_platform_and_nothing_is_written(made):
    def files():
        return sorted((str(one), one.stat().st_mtime_ns) for one in (made / "environment").rglob("*"))

    before = files()
    snapshot = read(str(made / "environment"))
    assert files() == before
    assert snapshot.python == ".".join(map(str, sys.version_info[:3]))
    assert snapshot.platform.startswith(sys.platform)


def test_what_pip_itself_prints(tmp_path):
    """By the pip of the Python that runs, if it has one."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
    words = [python, "-m", "pip", "--disable-pip-version-check", "list", "--format=json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no pip")
    (tmp_path / "list.json").write_text(done.stdout)
    (tmp_path / "freeze.txt").write_text(
        subprocess.run(
            [python, "-m", "pip", "freeze", "--all"], capture_output=True, text=True, check=True
        ).stdout
    )
    listed, frozen = (read(str(tmp_path / name)) for name in ("list.json", "freeze.txt"))
    assert "pip" in listed.versions()
    assert listed.versions().items() >= frozen.versions().items()


def test_a_date():
    assert read("2026-06-01") == AsOf(dt.datetime(2026, 6, 1, tzinfo=dt.UTC))
    assert read("2026-06-01T12:30+02:00").moment == dt.datetime(2026, 6, 1, 10, 30, tzinfo=dt.UTC)


def test_requirements_of_every_shape(tmp_path):
    (tmp_path / "more.txt").write_text("Ruamel.Yaml==0.18.6\n")
    (tmp_path / "list.txt").write_text(
        "\ufeff# a comment\n"
        "--index-url https://example.org/simple\n"
        "-c constraints.txt\n"
        "-r more.txt\n"
        "numpy==1.26.4 \\\n"
        "    --hash=sha256:aa \\\n"
        "    # via torch\n"
        "    --hash=sha256:bb  # a comment\n"
        "requests[socks] == 2.32.0 ; python_version >= '3.8'\n"
        "pywin32===306; sys_platform == 'no-such-system'\n"
        "torch==2.3.0+cu121\n"
        "-e git+https://example.org/a.git@main#egg=checkout\n"
        "-e ./here\n"
        "peft @ git+https://example.org/peft.git@0123abc\n"
        "certifi @ file:///croot/certifi-2024.2.2-py3-none-any.whl\n"
        "https://example.org/wheels/six-1.16.0-py2.py3-none-any.whl\n"
        "./wheels/idna-3.7-py3-none-any.whl --hash=sha256:cc\n"
    )
    snapshot = read(str(tmp_path / "list.txt"))
    assert snapshot.versions() == {"numpy": "1.26.4", "requests": "2.32.0", "ruamel-yaml": "0.18.6"}
    assert snapshot.packages[0].hashes == ("sha256:aa", "sha256:bb")
    assert snapshot.left_out == ("pywin32",)
    assert {(one.name, one.reason, one.stand_in) for one in snapshot.obstacles} == {
        ("torch", Reason.LOCAL_VERSION, "2.3.0"),
        ("checkout", Reason.REPOSITORY, None),
        ("", Reason.EDITABLE, None),
        ("peft", Reason.REPOSITORY, None),
        ("certifi", Reason.LOCAL_PATH, "2024.2.2"),
        ("six", Reason.URL, "1.16.0"),
        ("idna", Reason.LOCAL_PATH, "3.7"),
    }
    assert snapshot.ignored == ("--index-url https://example.org/simple", "-c constraints.txt")


def test_markers_hold_for_the_python_that_is_asked_for():
    text = "a==1; python_version < '3.10'\nb==1\n"
    assert read_text(text, "x", python="3.9").versions() == {"a": "1", "b": "1"}
    assert read_text(text, "x", python="3.12").versions() == {"b": "1"}
    assert read_text("a==1; python_full_version >= '3.12.4'\nb==1", "x", python="3.12.5").versions() == {
        "a": "1",
        "b": "1",
    }


UV_FORKS = """
version = 1
requires-python = ">=3.8"
resolution-markers = ["python_full_version >= '3.10'", "python_full_version < '3.10'"]

[[package]]
name = "job"
version = "1.0"
source = { virtual = "." }
dependencies = [
    { name = "numpy", version = "1.24.4", source = { registry = "https://example.org/simple" }, marker = "python_full_version < '3.10'" },
    { name = "numpy", version = "2.2.0", source = { registry = "https://example.org/simple" }, marker = "python_full_version >= '3.10'" },
    { name = "uvicorn", extra = ["standard"] },
    { name = "mine" },
    { name = "forked" },
]

[[package]]
name = "numpy"
version = "1.24.4"
source = { registry = "https://example.org/simple" }

[[package]]
name = "numpy"
version = "2.2.0"
source = { registry = "https://example.org/simple" }
wheels = [{ url = "https://example.org/numpy.whl", hash = "sha256:aa" }]

[[package]]
name = "uvicorn"
version = "0.30.0"
source = { registry = "https://example.org/simple" }

[package.optional-dependencies]
standard = [{ name = "uvloop", marker = "sys_platform != 'win32'" }]

[[package]]
name = "uvloop"
version = "0.19.0"
source = { registry = "https://example.org/simple" }

[[package]]
name = "mine"
version = "0.3"
source = { editable = "mine" }

[[package]]
name = "forked"
version = "0.4"
source = { git = "https://example.org/forked.git?rev=main#0123" }
"""


def test_a_lock_of_uv_with_two_versions_of_one_package():
    snapshot = read_text(UV_FORKS, "uv.lock", python="3.11")
    assert snapshot.versions() == {"numpy": "2.2.0", "uvicorn": "0.30.0", "uvloop": "0.19.0"}
    assert [(one.name, one.reason) for one in snapshot.obstacles] == [
        ("forked", Reason.REPOSITORY),
        ("mine", Reason.EDITABLE),
    ]
    assert read_text(UV_FORKS, "uv.lock", python="3.9").versions()["numpy"] == "1.24.4"


POETRY = """
[[package]]
name = "toy"
version = "1.3"
optional = false
python-versions = ">=3.8"
groups = ["main", "dev"]
files = [{ file = "toy-1.3-py3-none-any.whl", hash = "sha256:aa" }, { file = "toy-1.3.tar.gz", hash = "sha256:bb" }]

[[package]]
name = "colorama"
version = "0.4.6"
optional = false
python-versions = ">=3.8"
groups = ["main", "dev"]
markers = { main = "sys_platform == 'no-such-system'", dev = "sys_platform == 'no-such-system'" }
files = []

[[package]]
name = "backport"
version = "2.0"
optional = false
python-versions = ">=3.8"
groups = ["main"]
markers = "python_version < \\"3.10\\""
files = []

[[package]]
name = "choice"
version = "2.0"
optional = true
python-versions = ">=3.8"
groups = ["main"]
files = []

[[package]]
name = "mine"
version = "0.3"
optional = false
python-versions = "*"
groups = ["main"]
files = []
develop = true

[package.source]
type = "directory"
url = "../mine"

[metadata]
lock-version = "2.1"
python-versions = ">=3.8"
content-hash = "00"
"""


def test_a_lock_of_poetry():
    snapshot = read_text(POETRY, "poetry.lock", python="3.11")
    assert snapshot.kind == Kind.POETRY_LOCK
    assert snapshot.versions() == {"toy": "1.3"}
    assert snapshot.packages[0].hashes == ("sha256:aa", "sha256:bb")
    assert snapshot.left_out == ("backport", "choice", "colorama")
    assert [(one.name, one.reason, one.text) for one in snapshot.obstacles] == [
        ("mine", Reason.LOCAL_PATH, "../mine")
    ]
    assert "backport" in read_text(POETRY, "poetry.lock", python="3.9").versions()


PYLOCK = """
lock-version = "1.0"
created-by = "by hand"
requires-python = ">=3.8"

[[packages]]
name = "toy"
version = "1.3"
wheels = [{ url = "https://example.org/toy-1.3-py3-none-any.whl", hashes = { sha256 = "aa" } }]

[[packages]]
name = "other"
version = "1.0"
marker = "sys_platform == 'no-such-system'"
sdist = { url = "https://example.org/other-1.0.tar.gz", hashes = { sha256 = "bb" } }

[[packages]]
name = "mine"
directory = { path = "../mine", editable = true }

[[packages]]
name = "forked"
vcs = { type = "git", url = "https://example.org/forked.git", commit-id = "0123" }

[[packages]]
name = "packed"
archive = { url = "https://example.org/packed.zip", hashes = { sha256 = "cc" } }
"""


def test_a_lock_of_pep_751():
    snapshot = read_text(PYLOCK, "pylock.toml")
    assert snapshot.versions() == {"toy": "1.3"}
    assert snapshot.packages[0].hashes == ("sha256:aa",)
    assert snapshot.left_out == ("other",)
    assert [(one.name, one.reason) for one in snapshot.obstacles] == [
        ("forked", Reason.REPOSITORY),
        ("mine", Reason.EDITABLE),
        ("packed", Reason.URL),
    ]


CONDA_LIST = """\
# This file may be used to create an environment using:
# $ conda create --name <env> --file <this file>
# platform: linux-64
# created-by: conda 24.5.0
_libgcc_mutex=0.1=conda_forge
ca-certificates=2024.7.4=hbcca054_0
numpy=1.26.4=py311h64a7726_0
openssl=3.3.1=h4ab18f5_1
peft=0.11.1=pypi_0
python=3.11.9=hb806964_0_cpython
tzdata=2024a=h0c530f3_0
"""


def test_a_list_of_conda():
    snapshot = read_text(CONDA_LIST, "list.txt")
    assert (snapshot.kind, snapshot.python, snapshot.platform) == (Kind.CONDA_LIST, "3.11.9", "linux-x86_64")
    assert {one.name: one.origin for one in snapshot.packages}["peft"] == Origin.INDEX
    asked = []
    known = known_to(snapshot, lambda name: asked.append(name) or name in ("numpy", "tzdata"))
    assert "peft" not in asked
    assert known.versions() == {"numpy": "1.26.4", "peft": "0.11.1", "tzdata": "2024a0"}
    assert {(one.name, one.version) for one in known.obstacles} == {
        ("-libgcc-mutex", "0.1"),
        ("ca-certificates", "2024.7.4"),
        ("openssl", "3.3.1"),
    }
    assert all(one.reason == Reason.NOT_ON_INDEX for one in known.obstacles)


def test_an_environment_file_of_conda():
    text = (
        "name: job\nchannels: [conda-forge]\ndependencies:\n  - python=3.11.9=hb806964_0_cpython\n"
        "  - conda-forge::numpy=1.26.4\n  - pip\n  - pip:\n    - peft==0.11.1\n    - -e ./mine\nprefix: /opt/job\n"
    )
    snapshot = read_text(text, "environment.yml")
    assert snapshot.kind == Kind.CONDA_ENVIRONMENT
    assert snapshot.python == "3.11.9"
    assert snapshot.versions() == {"numpy": "1.26.4", "peft": "0.11.1"}
    assert [one.reason for one in snapshot.obstacles] == [Reason.EDITABLE]


def test_an_environment_file_of_conda_with_ranges_is_no_environment():
    with pytest.raises(UsageError, match=r"numpy>=1.20 names no single version"):
        read_text("dependencies:\n  - numpy>=1.20\n", "environment.yml")


def test_a_lock_of_ours_and_its_folder(tmp_path):
    packages = (Pinned("helper", "1.0", ("sha256:aa",)), Pinned("torch", "2.13.0+cpu", ("sha256:bb",)))
    lock = Lock(packages, "fixed", "3.11", "linux-x86_64")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "1.0.txt").write_text(lock.text())
    for name in ("locks/1.0.txt", "locks", "."):
        snapshot = read(str(tmp_path / name))
        assert snapshot.kind == Kind.OWN_LOCK
        assert snapshot.versions() == lock.versions()
        assert (snapshot.python, snapshot.platform) == ("3.11", "linux-x86_64")
    (tmp_path / "locks" / "2.0.txt").write_text(lock.text())
    with pytest.raises(
        UsageError, match=r"holds 2 locks: give the path of one of them \(1\.0\.txt, 2\.0\.txt\)"
    ):
        read(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("numpy>=1.20\n", "line 1: numpy asks for >=1.20: a list with ranges is no environment"),
        ("# x\nnumpy\n", "line 2: numpy names no version: a list with ranges is no environment"),
        ("numpy==1.*\n", "or a date"),
        ("numpy==1.0\nNumPy==2.0\n", "line 2: NumPy is listed twice, as 1.0 and as 2.0"),
        ("numpy==1.0\nnumpy @ https://example.org/n.zip\n", "listed twice"),
        ("-r nowhere.txt\n", "includes .*nowhere.txt, which cannot be read"),
        ("a==one\n", "no requirement|no version"),
        ("", "is empty"),
        ("   \n\n", "is empty"),
        ("# nothing\n", "it lists no package"),
        ("[]", "it lists no package"),
        ('{"a": 1}', "is none of the lists of packages"),
        ('[{"name": "a"}]', "objects with `name` and `version`"),
        ('lock-version = "1.0"\npackages = 3\n', "it breaks PEP 751"),
        ('lock-version = "9.0"\ncreated-by = "x"\npackages = []\n', "it breaks PEP 751"),
        ("version = 1\nrequires-python = '>=3'\n[[package]]\nname = 'a'\n", "has no `source`"),
        ("[metadata]\ncontent-hash = '0'\n[[package]]\nname = 'a'\n", "KeyError: 'version'"),
    ],
)
def test_bad_text_is_refused_with_what_and_where(text, said):
    with pytest.raises(UsageError, match=said) as refused:
        read_text(text, "list.txt")
    assert "list.txt" in str(refused.value)


def test_a_file_of_no_format_is_refused_with_every_format_that_was_tried(tmp_path):
    (tmp_path / "notes.txt").write_text("Dear all,\nplease find attached our environment.\n")
    with pytest.raises(UsageError) as refused:
        read(str(tmp_path / "notes.txt"))
    tried = {Kind.OWN_LOCK, *set(Kind)} - {Kind.INTERPRETER}
    assert all(kind in str(refused.value) for kind in tried)
    assert "line 1: 'Dear all,' is no requirement" in str(refused.value)


def test_bad_paths_are_refused(tmp_path):
    with pytest.raises(UsageError, match="no file has this path, and it is no date"):
        read(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="is no date: give year, month and day"):
        read("2026-13-01")
    with pytest.raises(UsageError, match="a folder without a Python, and holds no lock"):
        read(str(tmp_path))
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UsageError, match="is no text"):
        read(str(tmp_path / "a.txt"))
    false = tmp_path / "python3"
    false.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    false.chmod(0o755)
    with pytest.raises(UsageError, match="it cannot list its packages: broken"):
        read(str(false))
    (tmp_path / "self.txt").write_text("-r self.txt\n")
    with pytest.raises(UsageError, match=r"self\.txt includes itself"):
        read(str(tmp_path / "self.txt"))


names = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,4})?", fullmatch=True)
releases = st.from_regex(r"[0-9]{1,2}\.[0-9]{1,2}(\.[0-9]{1,2})?(rc[1-9]|\.post[1-9])?", fullmatch=True)
digests = st.sets(st.from_regex(r"sha256:[0-9a-f]{8}", fullmatch=True), max_size=2)
environments = st.dictionaries(names, st.tuples(releases, digests), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(environments, st.data())
def test_what_is_written_in_any_format_is_read_alike(environment, data):
    """The same packages as requirements, JSON, conda, PEP 751, Poetry and a lock of ours."""
    wanted = {name: str(Version(version)) for name, (version, _) in environment.items()}
    gap = data.draw(st.sampled_from([" ", " \\\n    "]))
    hashed = {
        name: "".join(f"{gap}--hash={one}" for one in sorted(hashes))
        for name, (_, hashes) in environment.items()
    }
    requirements = "".join(
        f"{data.draw(st.sampled_from(['', '# note', '   ']))}\n{name}=={version}{hashed[name]}\n"
        for name, version in wanted.items()
    )
    listed = json.dumps([{"name": name.upper(), "version": version} for name, version in wanted.items()])
    conda = "# platform: linux-64\n" + "".join(f"{name}={v}=pypi_0\n" for name, v in wanted.items())
    pylock = 'lock-version = "1.0"\ncreated-by = "x"\n' + "".join(
        f'[[packages]]\nname = "{name}"\nversion = "{v}"\n'
        f'sdist = {{ url = "https://example.org/{name}-{v}.tar.gz", hashes = {{ sha256 = "aa" }} }}\n'
        for name, v in wanted.items()
    )
    poetry = "".join(
        f'[[package]]\nname = "{name}"\nversion = "{v}"\noptional = false\nfiles = []\n'
        for name, v in wanted.items()
    )
    poetry += '[metadata]\ncontent-hash = "0"\n'
    pinned = sorted(Pinned(name, v, tuple(sorted(hashes))) for name, (v, hashes) in environment.items())
    own = Lock(tuple(pinned), "fixed", "3.11", "linux-x86_64").text()
    for text in (requirements, listed, conda, pylock, poetry, own):
        assert read_text(text, "x").versions() == wanted
    for text in (requirements, own):
        assert {one.name: set(one.hashes) for one in read_text(text, "x").packages} == {
            name: hashes for name, (_, hashes) in environment.items()
        }


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_broken_file_is_read_or_refused_and_nothing_else(data):
    """Real files with pieces cut out, doubled or replaced."""
    text = data.draw(
        st.sampled_from([UV_FORKS, POETRY, PYLOCK, CONDA_LIST, "a==1 \\\n --hash=sha256:a\n-e .\n"])
    )
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(len(text), start + 40)))
        text = (
            text[:start]
            + data.draw(st.sampled_from(["", "\n", '"', "[[", "=1", text[start:stop] * 2]))
            + text[stop:]
        )
    snapshot = _read_or_refused(text)
    assert snapshot is None or snapshot.packages or snapshot.obstacles


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    _read_or_refused(text)


def _read_or_refused(text):
    """Return what was read; None if it was refused, in which case the message names the file."""
    try:
        return read_text(text, "the-list")
    except UsageError as error:
        said = str(error)
    assert said.startswith("the-list")
    return None


@pytest.fixture
def python(tmp_path):
    """A Python of its own, and what writes that a package is installed, as pip and uv write it."""
    venv.create(tmp_path / "made", symlinks=True)
    site = next((tmp_path / "made" / "lib").glob("python*/site-packages"))

    def install(folder, name, version, direct=None, parent=site):
        info = parent / f"{folder}.dist-info"
        info.mkdir(parents=True)
        lines = [f"Name: {name}"] * bool(name) + [f"Version: {version}"] * bool(version)
        (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *lines]) + "\n")
        if direct is not None:
            (info / "direct_url.json").write_text(json.dumps(direct))

    return tmp_path / "made", site, install


def test_what_an_index_does_not_hold_is_an_obstacle_of_an_interpreter(python):
    made, _, install = python
    install("plain-1.0", "plain", "1.0")
    install(
        "src-1.0", "src", "1.0", {"url": "https://x/src.git", "vcs_info": {"vcs": "git", "commit_id": "ab"}}
    )
    install("wheel-1.0", "wheel_of_mine", "1.0+local", {"url": "file:///x/w.whl", "archive_info": {}})
    install("web-1.0", "web", "1.0", {"url": "https://x/web.whl", "archive_info": {}})
    install("none-1.0", "none", "")
    install("nameless-1.0", "", "1.0")
    snapshot = read(str(made))
    assert snapshot.versions() == {"plain": "1.0"}
    assert {one.name: (one.reason, one.version, one.stand_in) for one in snapshot.obstacles} == {
        "src": (Reason.REPOSITORY, "1.0", "1.0"),
        "wheel-of-mine": (Reason.LOCAL_PATH, "1.0+local", "1.0"),
        "web": (Reason.URL, "1.0", "1.0"),
        "none": (Reason.NO_VERSION, None, None),
    }


def test_the_first_package_on_the_path_counts_however_its_name_is_written(python):
    made, site, install = python
    install("foo_bar-1.0", "Foo_Bar", "1.0")
    install("foo_bar-2.0", "foo-bar", "2.0", parent=site.parent / "behind")
    (site / "behind.pth").write_text("../behind\n")
    assert read(str(made)).versions() == {"foo-bar": "1.0"}


def test_what_is_no_python_is_told(tmp_path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    with pytest.raises(UsageError, match="does not run as a Python"):
        read(str(program))
    program.write_text("#!/nowhere/at/all\n")
    with pytest.raises(UsageError, match=r"does not run as a Python.*Give the path of a Python 3.8"):
        read(str(program))
