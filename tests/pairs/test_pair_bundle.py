"""A bundle of two packages: made on the toy index, used where every index refuses; every pair has its locks in it."""

from __future__ import annotations

import pytest
from printed_commands import check, executed
from toyindex import ToyIndex
from toypairs import PAIR, plant_pair, stored

NOWHERE = "http://127.0.0.1:9/simple"
ALSO = 'also = { package = "right" }'


def rows(folder="reports/latest"):
    (arm,) = stored(folder)["arms"]
    return arm["answer"], [
        (row["version"], row["verdict"], row["lock"], row["probe"]) for row in arm["releases"]
    ]


@pytest.fixture
def bundle(ask, tmp_path, monkeypatch, harness):
    """Bundle a question that was answered at home, and go where there is no index, nor anything that home has."""
    done, _ = ask(PAIR, "both", command=(), also=ALSO)
    assert done.returncode == 0, done.stderr
    with ToyIndex() as index:
        plant_pair(index, PAIR)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        done = harness("bundle", "both", "--to", "both.bundle")
    assert done.returncode == 0, done.stderr
    assert ", 4 releases of left and 3 releases of right, for Python" in done.stdout
    monkeypatch.setenv("UV_DEFAULT_INDEX", NOWHERE)
    for name in ("HARNESS_HOME", "UV_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / f"away-{name}"))
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    return tmp_path / "both.bundle"


def test_the_answer_is_that_of_home_and_its_commands_find_what_is_stored(bundle, tmp_path, harness):
    home = rows(tmp_path / "reports" / "latest")
    done = harness("bisect", "--bundle", str(bundle))
    assert done.returncode == 0, done.stderr
    assert rows() == home
    found = stored()
    for one in (found, *(stored(f"reports/{found['run']}/{part['folder']}") for part in found["parts"])):
        check(one, harness)
    before = executed()
    words = ("--package", "left", "--from", "2.0", "--to", "3.0", "--package", "right", "--from", "2.0")
    narrow = harness("bisect", "--bundle", str(bundle), *words)
    assert narrow.returncode == 0, narrow.stderr
    assert stored()["arms"][0]["grid"]["decides"] == "left"
    assert executed() >= before
    alone = harness("bisect", "--bundle", str(bundle), "--package", "left", "--with", "right==1.0")
    assert "good in every release" in alone.stdout or alone.returncode == 0, alone.stderr
    for wrong, said in (
        (("--package", "left"), "vary both, or hold one of them at one of its releases"),
        (("--package", "judge"), "it has releases of left and right"),
        (("--package", "left", "--with", "right==9.0"), "--bundle and --with: the bundle decides that"),
        (("--from", "2.0"), "name one of them by --package"),
    ):
        done = harness("bisect", "--bundle", str(bundle), *wrong)
        assert done.returncode == 2
        assert said in done.stderr
