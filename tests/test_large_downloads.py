"""How much a run may download is told before it starts, and many gigabytes need a yes."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.locks.lock import Lock, Pinned
from harness.model.question import Place, Question
from harness.releases.release import File, Release
from harness.releases.settings import IndexSettings
from harness.sessions import download
from harness.sessions.asked import Asked
from harness.sessions.download import check_download, wheel_size
from harness.state import State

GB = 10**9


def file(name, size, sha256=""):
    return File(name, f"http://127.0.0.1:9/{name}", sha256, size=size)


def releases(*sizes):
    return [
        Release(f"{number}.0", files=(file(f"heavy-{number}.0-py3-none-any.whl", size),) if size else ())
        for number, size in enumerate(sizes, 1)
    ]


def lock(**sizes):
    packages = [Pinned("heavy", "1.0", ())]
    packages += [Pinned(name, "1.0", (f"sha256:{name}{size}",)) for name, size in sizes.items()]
    return Lock(tuple(packages), "fixed", "3.11", "linux-x86_64")


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Return what checks a range of the package `heavy` whose locks are given."""
    listed = []
    monkeypatch.setattr(
        download,
        "list_files",
        lambda name, _settings: [
            file(f"{name}-1.0-py3-none-any.whl", int(size), f"{name}{size}")
            for found, size in listed
            if found == name
        ],
    )

    def run(found, *locks, yes=False):
        listed[:] = [
            (one.name, one.hashes[0].removeprefix(f"sha256:{one.name}"))
            for each in locks
            for one in each.packages
            if one.hashes
        ]
        asked = Asked(question=Question(), scenario=None, package="heavy", arms=(), place=Place(yes=yes))
        return check_download(asked, found, locks, IndexSettings(None), State(tmp_path))

    return run


def test_what_is_little_is_not_told(check):
    assert check(releases(*[10**8] * 9)) == ""
    assert check(releases(GB, GB), lock(a=GB)) == ""


def test_much_needs_a_yes_which_holds_for_as_much(check):
    found = releases(2 * GB, 2 * GB, 2 * GB)
    with pytest.raises(UsageError, match=r"3 releases of heavy are 6\.0 GB.* go on with --yes"):
        check(found)
    assert "up to 6.0 GB to download" in check(found, yes=True)
    assert check(found), "a later run is told, and need not ask again"
    with pytest.raises(UsageError, match=r"up to 8\.0 GB"):
        check(releases(*[2 * GB] * 4))


def test_what_releases_require_counts(check):
    """Each release has a `cuda` of its own, and all share one `base`."""
    with pytest.raises(UsageError) as refused:
        check(releases(GB, GB, None), lock(cuda=2 * GB, base=GB), lock(cuda=3 * GB, base=GB))
    said = str(refused.value)
    assert "3 releases of heavy are 2.0 GB, what each requires is up to 3.0 GB" in said
    assert "what all share 1.0 GB: up to 12.0 GB to download" in said
    assert "of 1 release no size is known" in said


def test_the_wheel_of_this_platform_counts():
    files = [
        file("heavy-1.0-cp311-cp311-win_amd64.whl", 9),
        file("heavy-1.0-py3-none-any.whl", 3),
        file("heavy-1.0.tar.gz", 5),
    ]
    assert wheel_size(files) == 3
    assert wheel_size(files[2:]) == 5
    assert wheel_size(files[:1]) is None


def test_a_run_that_would_download_much_does_nothing_without_a_yes(toy, harness, toy_index, monkeypatch):
    monkeypatch.setitem(toy_index.claims, "toy", {"size": 3 * GB})
    words = ("bisect", "toy", "--from", "1.0", "--to", "2.0", "--search", "binary", "--no-cause")
    refused = harness(*words)
    assert refused.returncode == 2
    assert "go on with --yes" in refused.stderr
    assert not [*(toy / "reports").glob("*")]
    done = harness(*words, "--yes")
    assert done.returncode == 0, done.stderr
    assert "to download if all are executed" in done.stderr
    again = harness(*words)
    assert again.returncode == 0, again.stderr
    other = harness("probe", "toy", "--release", "2.0")
    assert other.returncode in (0, 1), "one release needs no yes"
