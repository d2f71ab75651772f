"""Which package is asked about, from which index, in which versions: as its users would write it for pip."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, wheel

from harness.errors import UsageError
from harness.scenario.command import package_under_test

SCRIPT = "import toy\nassert toy.value == 0, toy.value\n"


def planted(version: str, day: int, value: int = 0, **facts):
    return wheel("toy", version, f"value = {value}\n", uploaded=DAYS[day], **facts)


@pytest.fixture
def ask(toy, harness, monkeypatch):
    """Put a question about an index of the test's own; returns the process and the report."""
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    with ToyIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)

        def run(*words: str, script: str = SCRIPT, package: str = "toy"):
            (toy / "repro.py").write_text(script, encoding="utf-8")
            done = harness("bisect", "--package", package, *words, "--", "python", "repro.py")
            path = toy / "reports" / "latest" / "report.json"
            return done, json.loads(path.read_text()) if path.exists() else {}

        run.index = index
        yield run


def verdicts(data):
    return {row["version"]: row["verdict"] for row in data["arms"][0]["releases"]}


def changed(data):
    return [
        (one["before"], one["after"]) for one in data["arms"][0]["boundaries"] if one["signal"] == "verdict"
    ]


# -- extras -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [("jax", ("jax", ())), ("jax[cpu]", ("jax", ("cpu",))), ("Foo_Bar[b, a]", ("foo-bar", ("a", "b")))],
)
def test_a_package_is_named_with_or_without_extras(text, expected):
    assert package_under_test(text) == expected


@pytest.mark.parametrize("text", ["jax==0.6", "jax[", "", "jax @ https://example.org/jax.whl"])
def test_a_package_that_is_named_otherwise_is_told(text):
    with pytest.raises(UsageError, match="expected the name of a package"):
        package_under_test(text)


def test_an_extra_is_part_of_what_is_locked(ask):
    """The releases have equal requirements but for what their extra brings, which is what they fail by."""
    ask.index.metadata = True
    ask.index.add(
        "engine", *(wheel("engine", one, f"power = {one}\n", uploaded=DAYS[0]) for one in ("1.0", "2.0"))
    )
    for number in range(4):
        requires = (f"engine=={1 if number < 2 else 2}.0 ; extra == 'cpu'",)
        ask.index.add("toy", wheel("toy", f"1.{number}", "", requires, uploaded=DAYS[number]))
    script = "import engine, toy\nassert engine.power < 2, 'power'\n"
    done, data = ask(package="toy[cpu]", script=script)
    assert done.returncode == 0, done.stderr
    assert data["package"] == "toy"
    assert verdicts(data) == {"1.0": "good", "1.1": "good", "1.2": "bad", "1.3": "bad"}
    assert "--package 'toy[cpu]'" in data["arms"][0]["releases"][0]["command"]


# -- versions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("versions", "first", "last"),
    [
        (("1.0", "1.0.post1", "1.0.post2", "1.1"), "1.0.post1", "1.0.post2"),
        (("2024.1", "2.0", "1!0.9", "1!1.0"), "2024.1", "1!1.0"),
        (("2023.12.1", "2024.1.0", "2024.10.2"), "2023.12.1", "2024.10.2"),
    ],
    ids=["post-releases", "epochs", "calendar"],
)
def test_versions_of_all_kinds_are_ends(ask, versions, first, last):
    for day, version in enumerate(versions):
        ask.index.add("toy", planted(version, day, value=version == last))
    done, data = ask("--from", first, "--to", last)
    assert done.returncode == 0, done.stderr
    rows = list(verdicts(data).items())
    assert (rows[0], rows[-1]) == ((first, "good"), (last, "bad"))
    assert changed(data) == [(rows[-2][0], last)]


def test_yanked_releases_are_ends(ask):
    for day, version in enumerate(("1.0", "1.1", "1.2")):
        ask.index.add("toy", replace(planted(version, day, value=day == 2), yanked=day != 1 and "planted"))
    done, data = ask("--from", "1.0", "--to", "1.2")
    assert done.returncode == 0, done.stderr
    assert verdicts(data) == {"1.0": "good", "1.1": "good", "1.2": "bad"}


def test_pre_releases_of_the_package_under_test_bring_none_of_another(ask):
    ask.index.add("helper", *(wheel("helper", one, "", uploaded=DAYS[0]) for one in ("1.0", "2.0rc1")))
    for day, version in enumerate(("1.0", "1.1rc1", "1.1", "1.2rc1")):
        value = f"value = {int('rc' in version)}\n"
        ask.index.add("toy", wheel("toy", version, value, ("helper",), uploaded=DAYS[day]))
    done, data = ask("--pre")
    assert done.returncode == 0, done.stderr
    assert verdicts(data) == {"1.0": "good", "1.1rc1": "bad", "1.1": "good", "1.2rc1": "bad"}
    assert data["environment"]["packages"]["helper"] == "1.0"


def test_good_finals_say_that_pre_releases_were_not_executed(ask):
    for day, version in enumerate(("0.9rc1", "1.0", "1.1rc1", "1.1", "1.2rc1")):
        ask.index.add("toy", planted(version, day, value="rc" in version))
    done, data = ask("--from", "1.0")
    assert data["arms"][0]["conclusion"] == "always-good", done.stdout
    (note,) = [note for note in data["arms"][0]["notes"] if "pre-releases" in note]
    assert "1.1rc1, 1.2rc1; --pre" in note
    _, data = ask("--from", "1.0", "--to", "1.1", "--pre")
    assert verdicts(data)["1.1rc1"] == "bad"
    assert not [note for note in data["arms"][0]["notes"] if "pre-releases" in note]


# -- indexes ------------------------------------------------------------------------------------------------


def for_another_python(version: str, day: int):
    """Make a wheel that no interpreter here can install."""
    return replace(planted(version, day), name=f"toy-{version}-cp27-none-any.whl")


def test_two_indexes_are_merged_as_pip_merges_them(ask, monkeypatch):
    """The first one has the releases for another Python alone."""
    monkeypatch.setenv("PIP_INDEX_URL", ask.index.url)
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    with ToyIndex() as second:
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", second.url)
        for day, version in enumerate(("1.0", "1.1")):
            ask.index.add("toy", for_another_python(version, day))
            second.add("toy", planted(version, day, value=day))
        done, data = ask()
    assert done.returncode == 0, done.stderr
    assert verdicts(data) == {"1.0": "good", "1.1": "bad"}


@pytest.mark.parametrize("pins", [(), ("--with", "helper==1.1")])
def test_a_dependency_that_the_first_index_has_for_another_python_stays_in_all_locks(ask, monkeypatch, pins):
    """uv looks for a preferred version in the first index that has it, and refused the pin in every release."""
    monkeypatch.setenv("PIP_INDEX_URL", ask.index.url)
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    with ToyIndex() as second:
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", second.url)
        for version in ("1.0", "1.1"):
            ask.index.add("helper", wheel("helper", version, "", uploaded=DAYS[0]))
        other = wheel("helper", "1.1", "", uploaded=DAYS[0])
        second.add("helper", replace(other, name="helper-1.1-cp27-none-any.whl"))
        for day, version in enumerate(("1.0", "1.1", "1.2")):
            ask.index.add("engine", wheel("engine", version, "", uploaded=DAYS[day]))
            needs = ("helper", f"engine=={version}")  # engine has to move along in any case
            ask.index.add("toy", wheel("toy", version, f"value = {day}\n", needs, uploaded=DAYS[day]))
        done, data = ask(*pins)
    assert done.returncode == 0, done.stderr
    assert verdicts(data) == {"1.0": "good", "1.1": "bad", "1.2": "bad"}
    assert data["environment"]["packages"]["helper"] == "1.1"
    (boundary,) = [one for one in data["arms"][0]["boundaries"] if one["signal"] == "verdict"]
    assert [move["name"] for move in boundary["moves"]] == ["toy", "engine"]


def test_where_nothing_can_be_resolved_the_pythons_and_the_indexes_are_told(ask, monkeypatch):
    with ToyIndex() as second:
        monkeypatch.setenv("UV_INDEX", ask.index.url)
        monkeypatch.setenv("UV_DEFAULT_INDEX", second.url)
        for day, version in enumerate(("1.0", "1.1")):
            ask.index.add("toy", for_another_python(version, day))
            second.add("toy", planted(version, day))
        done, data = ask()
    assert done.returncode == 3, done.stdout
    (said,) = [one for one in data["warnings"] if "no release can be resolved with Python" in one]
    assert "other Pythons found here" in said
    assert "UV_INDEX_STRATEGY=unsafe-best-match" in said
