"""Which releases there are: listing, stand-in listing, the range, and the user's own settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version
from toyindex import ToyIndex, wheel

from harness.errors import IndexUnavailableError, UsageError
from harness.releases.index import list_releases, shown
from harness.releases.release import Release, select
from harness.releases.settings import IndexSettings, read_settings
from harness.state import State


def listing(index, state, name="toy", **settings):
    return list_releases(name, IndexSettings(index=index.url, **settings), state)


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "home")


def test_a_release_has_date_python_and_yank(toy_index, state):
    found = {release.version: release for release in listing(toy_index, state).releases}
    assert found["1.0"] == Release("1.0", "2024-01-01T12:00:00+00:00", ">=3.8")
    assert found["1.1"].yanked
    assert found["1.1"].yanked_reason == "planted"
    assert found["1.3"].version == "1.3", "a release with a source distribution only is a release"


def test_an_unknown_package_is_a_usage_error(toy_index, state):
    with pytest.raises(UsageError, match="nosuch"):
        listing(toy_index, state, name="nosuch")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>captive portal</html>"),
        (200, b"{"),
        (200, b'{"files": 3}'),
        (200, b"\xff\x00"),
        (503, b""),
        (403, b"no"),
    ],
)
def test_nonsense_stands_in_the_last_listing(state, status, body):
    with ToyIndex() as index:
        index.add("toy", wheel("toy", "1.0", ""))
        index.nonsense, index.status = body, status
        with pytest.raises(IndexUnavailableError, match="no earlier listing"):
            listing(index, state)
        index.nonsense, index.status = None, 200
        fresh = listing(index, state)
        assert fresh.warning == ""
        index.nonsense, index.status = body, status
        stale = listing(index, state)
        assert stale.releases == fresh.releases
        assert "using the listing of" in stale.warning
        assert "old" in stale.warning


def test_an_index_that_is_not_there_is_told_without_credentials(state):
    with ToyIndex() as index:
        index.add("toy", wheel("toy", "1.0", ""))
        address = index.url
    settings = IndexSettings(index=address.replace("http://", "http://me:secret@"))
    with pytest.raises(IndexUnavailableError) as raised:
        list_releases("toy", settings, state)
    assert "secret" not in str(raised.value)
    assert shown("https://me:secret@host:80/simple") == "https://host:80/simple"


def test_find_links_and_extra_indexes_add_releases(toy_index, state, tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    for file in (wheel("toy", "9.0", ""), wheel("other", "1.0", "")):
        (links / file.name).write_bytes(file.content)
    (links / "notes.txt").write_text("no wheel", encoding="utf-8")
    local = tmp_path / "simple" / "toy"
    local.mkdir(parents=True)
    (local / "index.html").write_text(
        '<a href="toy-8.0-py3-none-any.whl">toy-8.0-py3-none-any.whl</a>', encoding="utf-8"
    )
    found = listing(toy_index, state, find_links=(str(links),), extra=((tmp_path / "simple").as_uri(),))
    assert {"1.0", "8.0", "9.0"} <= {release.version for release in found.releases}
    alone = list_releases("toy", IndexSettings(index=None, find_links=(str(links),)), state)
    assert [release.version for release in alone.releases] == ["9.0"]


RELEASES = [Release(version) for version in ("0.10.0", "0.9.0", "1.0rc1", "0.2.0", "1.0")]


def versions(**options):
    return [release.version for release in select(RELEASES, package="toy", **options)]


def test_the_range_is_in_order_of_versions_without_prereleases():
    assert versions() == ["0.2.0", "0.9.0", "0.10.0", "1.0"]
    assert versions(prereleases=True)[3] == "1.0rc1"
    assert versions(first="0.9.0", last="0.10.0") == ["0.9.0", "0.10.0"]
    assert versions(last="1.0rc1")[-1] == "1.0rc1", "an end that is named is kept"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"first": "1.0", "last": "0.9.0"}, "swap"),
        ({"first": "0.9.1"}, "near it: 0.9.0"),
        ({"last": "newest"}, "no version number"),
    ],
)
def test_a_wrong_range_says_what_is_wrong(options, said):
    with pytest.raises(UsageError, match=said):
        versions(**options)


def test_a_post_release_is_suggested_where_the_release_itself_is_missing():
    listed = [Release(version) for version in ("1.4.0", "1.4.1.post1", "1.4.10", "1.9.1", "1.9.2")]
    with pytest.raises(UsageError, match=r"--to 1\.4\.1: .* near it: 1\.4\.1\.post1 \("):
        select(listed, package="toy", last="1.4.1")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, unique=True))
def test_any_listing_comes_in_order(numbers):
    chosen = select([Release(f"{major}.{minor}") for major, minor in numbers], package="toy")
    assert [Version(release.version) for release in chosen] == sorted(Version(f"{a}.{b}") for a, b in numbers)


def test_pip_settings_reach_uv(tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://one.example/simple\nfind-links = /links /more\n"
        "[install]\nextra-index-url =\n    https://two.example/simple\n    https://three.example/simple\nconstraint = /c.txt\n",
        encoding="utf-8",
    )
    environ = {
        "PIP_CONFIG_FILE": str(config),
        "HOME": str(tmp_path),
        "XDG_CONFIG_DIRS": str(tmp_path),
        "PIP_CERT": "/ca.pem",
    }
    settings = read_settings(environ)
    assert settings.index == "https://one.example/simple"
    assert settings.extra == ("https://two.example/simple", "https://three.example/simple")
    assert settings.customised
    assert settings.uv_environment == {
        "UV_DEFAULT_INDEX": "https://one.example/simple",
        "UV_INDEX": "https://two.example/simple https://three.example/simple",
        "UV_FIND_LINKS": "/links,/more",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_CONSTRAINT": "/c.txt",
        "SSL_CERT_FILE": "/ca.pem",
    }
    assert (
        read_settings({**environ, "PIP_INDEX_URL": "https://env.example/simple"}).index
        == "https://env.example/simple"
    )
    assert (
        read_settings({**environ, "UV_DEFAULT_INDEX": "https://uv.example/simple"}).index
        == "https://uv.example/simple"
    )
    assert read_settings({**environ, "PIP_NO_INDEX": "1"}).index is None


def test_uv_settings_are_read(tmp_path):
    config = tmp_path / "uv.toml"
    config.write_text(
        'find-links = ["/links"]\n[[index]]\nurl = "https://main.example/simple"\ndefault = true\n'
        '[[index]]\nname = "more"\nurl = "https://more.example/simple"\n',
        encoding="utf-8",
    )
    environ = {
        "PIP_CONFIG_FILE": "/dev/null",
        "HOME": str(tmp_path),
        "UV_CONFIG_FILE": str(config),
        "UV_INDEX": "n=https://named.example/simple",
    }
    settings = read_settings(environ)
    assert settings.index == "https://main.example/simple"
    assert settings.extra == ("https://more.example/simple", "https://named.example/simple")
    assert settings.find_links == ("/links",)


def test_no_settings_are_the_public_index(tmp_path):
    settings = read_settings({"PIP_CONFIG_FILE": "/dev/null", "HOME": str(tmp_path)})
    assert not settings.customised
    assert settings.uv_environment == {}


def test_the_command_lists_oldest_first(toy, harness):
    done = harness("releases", "toy")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["1.0", "2024-01-01", "python", ">=3.8"]
    assert "yanked planted" in lines[1]
    data = json.loads(harness("releases", "toy", "--json").stdout)
    assert [entry["version"] for entry in data] == [line.split()[0] for line in lines]
    assert Path(toy / "scenarios").is_dir()


def chosen(*listed, **ends):
    found = [Release(one) if isinstance(one, str) else Release(*one) for one in listed]
    return [one.version for one in select(found, package="torch", **ends)]


def test_of_builds_of_one_release_the_one_is_kept_that_is_installed():
    listed = ("2.12.0", "2.12.0+cpu", "2.12.0+cu130", "2.13.0", "2.13.0+cpu", "2.14.0")
    assert chosen(*listed) == ["2.12.0+cu130", "2.13.0+cpu", "2.14.0"]
    assert chosen(*listed, last="2.13.0") == ["2.12.0+cu130", "2.13.0+cpu"]
    assert chosen(*listed, first="2.13.0", last="2.13.0") == ["2.13.0+cpu"]
    assert chosen("2.12.0+cpu", "2.13.0+cpu", first="2.13.0") == ["2.13.0+cpu"]
    assert chosen(*listed, first="2.12.0+cpu", last="2.13.0") == [
        "2.12.0+cpu",
        "2.12.0+cu130",
        "2.13.0+cpu",
    ]


def test_an_end_may_be_a_day():
    listed = (
        ("1.0", "2026-09-30T10:00:00+00:00"),
        ("1.1", "2026-10-01T23:30:00+00:00"),
        ("1.2", None),
        ("2.0.dev20261002", None),
        ("2.0.dev20261005", "2026-10-09T00:00:00+00:00"),
        ("2.0", "2026-10-20T00:00:00+00:00"),
    )
    assert chosen(*listed, first="2026-10-01") == ["1.1", "2.0"]
    assert chosen(*listed, last="2026-10-01") == ["1.0", "1.1"]
    nightly = ["1.1", "2.0.dev20261002", "2.0.dev20261005"]
    assert chosen(*listed, first="2026-10-01", last="2026-10-05", prereleases=True) == nightly
    assert chosen(*listed, first="1.1", last="2026-10-02", prereleases=True) == nightly[:2]
    with pytest.raises(UsageError, match="no such day"):
        chosen(*listed, first="2026-13-01")
    with pytest.raises(UsageError, match="no release of torch to test in this range"):
        chosen(*listed, first="2027-01-01")
