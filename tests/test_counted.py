"""Words that depend on a number."""

from __future__ import annotations

from harness.words import counted, from_to


def test_one_is_singular_and_every_other_number_is_not():
    assert [counted(number, "release") for number in range(3)] == ["0 releases", "1 release", "2 releases"]
    assert counted(1, "process was", "processes were") == "1 process was"
    assert counted(2, "process was", "processes were") == "2 processes were"


def test_a_range_of_one_has_one_end():
    assert (from_to("1.0", "2.0"), from_to("1.0", "1.0")) == ("1.0 to 2.0", "1.0")


def test_a_question_about_one_release_says_so(toy, harness):
    done = harness("bisect", "toy", "--from", "1.0", "--to", "1.0", "--no-cause")
    assert "1 release of toy: 1.0\n" in done.stderr
    assert "1 releases" not in done.stdout + done.stderr
