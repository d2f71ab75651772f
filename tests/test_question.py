"""The question is data: argv and JSON are renderings of it, each with its reverse."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli import parser, split_command
from harness.cli.questions import add_question, read_place, read_question
from harness.errors import UsageError
from harness.model.codec import from_plain, to_plain
from harness.model.commands import GROUPS
from harness.model.holds import DEVICES, POLICIES
from harness.model.options import described, write_options
from harness.model.place import EXECUTORS, ISOLATIONS
from harness.model.plan import SEARCHES
from harness.model.question import Axis, Ends, Holds, Job, Judging, Place, Plan, Question, Subject
from harness.model.values import VERDICTS, read_setting, write_setting

WORD = st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=8)
TEXT = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=8
).filter(lambda text: text != "--")
"""Any value of an option; argparse takes a lone `--` for the end of the options, wherever it stands."""
VERSION = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}((rc|\.post)[0-9])?", fullmatch=True)
PACKAGE = st.from_regex(r"[a-z]{1,6}(-[a-z]{1,3})?(\[[a-z]{1,3}\])?", fullmatch=True)
NAME = st.from_regex(r"[a-z][a-z0-9_]{0,7}", fullmatch=True)
NUMBER = st.floats(allow_nan=False, width=64)
SETTING = st.one_of(TEXT, st.integers(-(10**20), 10**20), NUMBER, st.booleans())
PART_OF = {"subject": Subject, "ends": Ends, "holds": Holds, "job": Job, "judging": Judging, "plan": Plan}

VALUES = {
    "bundle": TEXT,
    "good": TEXT,
    "bad": TEXT,
    "pins": st.tuples(TEXT),
    "prereleases": st.just(True),
    "python": TEXT,
    "torch": TEXT,
    "policy": st.sampled_from(POLICIES),
    "device": st.sampled_from(DEVICES),
    "timeout": st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    "memory": st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    "build": st.just(False),
    "online": st.just(True),
    "pip_lines": st.just(True),
    "variables": st.tuples(TEXT, TEXT),
    "locks": TEXT,
    "arms": st.tuples(TEXT, TEXT),
    "settings": st.tuples(st.tuples(NAME, SETTING)),
    "seeds": st.integers(1, 1000),
    "ranks": st.none() | st.integers(1, 64),
    "bad_when_stdout_matches": TEXT,
    "error_matches": TEXT,
    "import_errors": st.sampled_from(["bad", "skip"]),
    "metric": TEXT,
    "expect": TEXT,
    "minimum_effect": NUMBER,
    "higher_is_worse": st.booleans(),
    "warning_matches": TEXT,
    "output": TEXT,
    "atol": NUMBER,
    "rtol": NUMBER,
    "reference": TEXT,
    "search": st.sampled_from(SEARCHES),
    "prefix": st.integers(1, 1000),
    "full_jobs": st.integers(1, 1000),
    "exhaustive": st.just(True),
    "find_fix": st.just(True),
    "any_failure": st.just(True),
    "assume": st.tuples(st.tuples(VERSION, st.sampled_from(VERDICTS))),
    "leave_out": st.tuples(VERSION, VERSION),
    "confidence": NUMBER,
    "confirm_on": st.sampled_from(["cpu", "cuda"]),
    "cause": st.just(False),
    "commits": TEXT,
    "patch": TEXT,
    "remedies": st.just(True),
    "quick_remedies": st.just(False),
    "jobs": st.integers(1, 1000),
    "isolation": st.sampled_from(ISOLATIONS),
    "executor": st.sampled_from(EXECUTORS),
    "scheduler": TEXT,
    "out": TEXT,
    "environment_cap": NUMBER,
    "yes": st.just(True),
}
"""{field: values of it that an option can say}; a field without an entry fails the tests."""


def part(kind: type, *, verb: str, without: frozenset[str] = frozenset()) -> st.SearchStrategy:
    names = [name for name, _, what in described(kind) if what.belongs_to(verb) and name not in without]
    return st.fixed_dictionaries({}, optional={name: VALUES[name] for name in names}).map(
        lambda values: kind(**values)
    )


def subjects(verb: str) -> st.SearchStrategy:
    scenarios = st.builds(Subject, scenario=NAME)
    commands = st.builds(Subject, command=st.tuples(st.just("python"), TEXT, TEXT))
    bundles = st.builds(Subject, bundle=VALUES["bundle"])
    return st.one_of(scenarios, commands, *([] if verb == "blame" else [bundles]))


ENDS = st.one_of(st.none(), VERSION)
ONE = st.builds(Axis, package=st.one_of(st.just(""), PACKAGE), first=ENDS, last=ENDS).filter(
    lambda axis: axis != Axis()
)
TWO = st.lists(PACKAGE, min_size=2, max_size=2, unique_by=lambda name: name.partition("[")[0]).flatmap(
    lambda names: st.tuples(
        *(st.builds(Axis, package=st.just(name), first=ENDS, last=ENDS) for name in names)
    )
)


def questions(verb: str) -> st.SearchStrategy:
    return st.builds(
        Question,
        subject=subjects(verb),
        axes=st.just(()) if verb == "blame" else st.one_of(st.just(()), ONE.map(lambda axis: (axis,)), TWO),
        ends=part(Ends, verb=verb),
        holds=part(Holds, verb=verb),
        job=part(Job, verb=verb),
        judging=part(Judging, verb=verb),
        plan=part(Plan, verb=verb),
    )


def parsed(words: list[str], verb: str) -> argparse.Namespace:
    before, command = split_command(words)
    made = argparse.ArgumentParser(exit_on_error=False)
    add_question(made, verb)
    options = made.parse_args(before)
    options.command = command
    return options


@pytest.mark.parametrize("verb", ["bisect", "plan", "blame"])
@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_a_question_comes_back_from_its_command_line(verb, data):
    question = data.draw(questions(verb))
    if verb == "plan" and question.holds.locks:
        return
    assert read_question(parsed(question.to_argv(verb)[1:], verb)) == question


@given(st.one_of(questions("bisect"), questions("blame")))
@settings(deadline=None, max_examples=300)
def test_a_question_comes_back_from_json(question):
    assert from_plain(Question, json.loads(json.dumps(to_plain(question)))) == question


@given(part(Place, verb="bisect"))
@settings(deadline=None, max_examples=200)
def test_a_place_comes_back_from_its_command_line(place):
    assert read_place(parsed(list(write_options(place, "bisect")), "bisect")) == place


@given(NAME, SETTING)
@settings(deadline=None, max_examples=500)
def test_a_setting_keeps_value_and_type(name, value):
    found = read_setting(write_setting((name, value)))
    assert found == (name, value)
    assert type(found[1]) is type(value)


def test_every_option_stands_under_a_heading_of_the_help():
    for kind in (*PART_OF.values(), Place):
        assert {what.group for _, _, what in described(kind)} <= set(GROUPS), kind


def test_every_field_of_a_question_has_an_option_and_values_to_try():
    without = {"scenario", "command"}  # they are words without a name of an option
    for kind in (*PART_OF.values(), Place):
        assert is_dataclass(kind)
        for one in fields(kind):
            if one.name not in without:
                assert "option" in one.metadata, f"{kind.__name__}.{one.name} stands on no command line"
                assert one.name in VALUES, f"{kind.__name__}.{one.name}: no values to try"
    assert {one.name for one in fields(Question)} == {*PART_OF, "axes", "schema"}


@pytest.mark.parametrize("verb", ["bisect", "plan", "probe", "blame"])
def test_every_option_of_the_commands_is_part_of_the_question_or_of_the_place(verb):
    (action,) = [one for one in parser()._actions if isinstance(one, argparse._SubParsersAction)]
    own = {
        "bisect": {"shard", "exit_code"},
        "plan": {"shards", "folder", "json"},
        "probe": {"release", "arm", "repeat"},
        "blame": {"exit_code"},
    }[verb]
    known = {name for kind in (*PART_OF.values(), Place) for name, _, _ in described(kind)}
    found = {one.dest for one in action.choices[verb]._actions} - {"help", "debug"}
    assert found - own - {"scenario", "pytest", "package", "first", "last"} <= known


def test_a_question_is_immutable_and_can_be_compared():
    question = Question(subject=Subject(scenario="toy"), axes=(Axis(package="toy"),))
    assert hash(question) == hash(Question(subject=Subject(scenario="toy"), axes=(Axis(package="toy"),)))
    with pytest.raises(AttributeError):
        question.axes = ()


def test_another_shape_is_told():
    with pytest.raises(ValueError, match="axes"):
        from_plain(Question, {"subject": {"scenario": "toy"}, "axes": 7})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--package", "a", "--package", "A"], "given twice"),
        (["--package", "a", "--package", "b", "--package", "c"], "two at most"),
        (["--from", "1", "--package", "a", "--package", "b"], "before any --package"),
        (["--package", "a", "--to", "1", "--to", "2"], "--to is given twice for a"),
    ],
)
def test_ranges_that_say_nothing_clear(words, said):
    with pytest.raises(UsageError, match=said):
        read_question(parsed(words, "bisect"))
