"""Releases with equal requirements share one resolution, and no lock differs by a byte from the resolver's own."""

from __future__ import annotations

import pytest
from toyindex import DAYS, GOOD, ToyIndex, broken_sdist, wheel

from harness.locks.interpreter import ask
from harness.locks.locks import Locks
from harness.locks.resolve import Resolver, Unresolvable
from harness.locks.torch import TorchSource
from harness.releases.index import list_releases
from harness.releases.release import select
from harness.releases.settings import read_settings
from harness.state import State
from harness.uv import Uv

SAME = ("Helper (>=1)", 'pytest; extra == "test"')


class CountingUv(Uv):
    """The real one; it counts resolutions."""

    resolutions = 0

    def run(self, *arguments, **options):
        self.resolutions += arguments[:2] == ("pip", "compile")
        return super().run(*arguments, **options)


def add(index, version, *requires, **facts):
    facts = {"uploaded": DAYS[5], "requires_python": ">=3.8", **facts}
    index.add("kin", wheel("kin", version, GOOD, requires=requires, **facts))


@pytest.fixture
def index(toy, monkeypatch):
    """Seven releases whose requirements are equal, in several spellings, among others that need their own lock."""
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", ""), wheel("helper", "2.0", ""))
        index.add("other", wheel("other", "1.0", ""))
        index.add("plugin", wheel("plugin", "1.0", "", requires=("kin<2",)))
        add(index, "1.0", *SAME)
        add(index, "1.1", 'pytest>3; extra == "test"', "helper>=1")
        add(index, "1.2", *SAME, yanked="planted")
        add(index, "1.3", *SAME)
        index.add("kin", broken_sdist("kin", "1.3", uploaded=DAYS[6]))
        add(index, "1.4", *SAME, requires_python=">=3.9")
        add(index, "1.5", "helper<2")
        add(index, "1.6", "helper<2")
        add(index, "1.7", *SAME, requires_python=">=4")
        index.add("kin", broken_sdist("kin", "1.8", uploaded=DAYS[6]))
        add(index, "1.9", *SAME, hashed=False)
        add(index, "2.0", "there-is-no-such-package")
        add(index, "2.1", "there-is-no-such-package")
        add(index, "2.2", *SAME)
        add(index, "2.3", *SAME, "other")
        add(index, "2.4", *SAME)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        yield index


def locked(index, folder, interpreter, *, pins=("helper",), together=True):
    """Return {version: text of its lock, or why it has none}, and how often uv resolved."""
    settings, state = read_settings(), State(folder)
    uv = CountingUv({**settings.uv_environment, "UV_CACHE_DIR": str(folder / "cache")})
    resolver = Resolver("kin", list(pins), interpreter, TorchSource("index"), settings, uv, state)
    releases = select(list_releases("kin", settings, state).releases, package="kin")
    reference = resolver.reference()
    if together:
        locks = Locks(resolver, releases, reference, lambda _line: None)
        locks.resolve()
    else:
        locks = [resolver.lock(release.version, reference) for release in releases]
    texts = [lock.reason if isinstance(lock, Unresolvable) else lock.text() for lock in locks]
    stored = {path.name: path.read_bytes() for path in state.locks.iterdir()}
    return dict(zip([release.version for release in releases], texts, strict=True)), stored, uv.resolutions


@pytest.fixture(scope="module")
def interpreter():
    import sys
    from pathlib import Path

    return ask(Path(sys.executable))


@pytest.mark.parametrize("served", ["metadata", "ranges"])
def test_no_lock_differs_by_a_byte(index, tmp_path, interpreter, served):
    setattr(index, served, True)
    alone, kept_alone, each = locked(index, tmp_path / "alone", interpreter, together=False)
    shared, kept, fewer = locked(index, tmp_path / "shared", interpreter)
    assert shared == alone
    assert kept == kept_alone
    assert each == 1 + len(alone)
    # Of 1.0, 1.1, 1.2, 1.3, 1.4, 2.2 and 2.4 six are spared; 1.5 and 1.6 move helper, 2.0 and 2.1 have no lock.
    assert fewer == each - 6
    assert "kin==1.2" in shared["1.2"]
    assert shared["1.3"].count("--hash") == 1 + shared["1.0"].count("--hash"), "the sdist's hash too"


def test_an_index_that_serves_no_metadata_costs_nothing_but_time(index, tmp_path, interpreter):
    alone, _, each = locked(index, tmp_path / "alone", interpreter, together=False)
    assert locked(index, tmp_path / "shared", interpreter)[::2] == (alone, each)


def test_nothing_is_shared_where_another_package_requires_the_one_under_test(index, tmp_path, interpreter):
    index.metadata = True
    pins = ("helper", "plugin")
    alone, _, each = locked(index, tmp_path / "alone", interpreter, pins=pins, together=False)
    shared, _, count = locked(index, tmp_path / "shared", interpreter, pins=pins)
    assert shared == alone
    assert count == each
    assert "plugin" in shared["2.2"]
    assert "kin==1.1" in shared["1.1"]


def test_nothing_is_shared_where_the_user_constrains_the_one_under_test(
    index, tmp_path, interpreter, monkeypatch
):
    index.metadata = True
    (tmp_path / "requirements.in").write_text("kin<2\n", encoding="utf-8")
    monkeypatch.setenv("UV_CONSTRAINT", str(tmp_path / "requirements.in"))
    alone, _, each = locked(index, tmp_path / "alone", interpreter, together=False)
    shared, _, count = locked(index, tmp_path / "shared", interpreter)
    assert shared == alone
    assert count == each
    assert "# lock" not in shared["2.2"], "it is against the constraint"


@pytest.mark.parametrize("name", ["UV_EXCLUDE_NEWER_PACKAGE", "UV_OVERRIDE", "UV_NO_BINARY_PACKAGE"])
def test_nothing_is_shared_under_a_setting_that_tells_releases_apart(toy, monkeypatch, name):
    assert read_settings().uniform
    monkeypatch.setenv(name, "kin")
    assert not read_settings().uniform


def test_a_stored_lock_is_not_resolved_again(index, tmp_path, interpreter):
    index.metadata = True
    locked(index, tmp_path / "home", interpreter)
    _, _, count = locked(index, tmp_path / "home", interpreter)
    assert count == 3, "those that have no lock: 1.7, 2.0 and 2.1"
