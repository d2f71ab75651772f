"""What is stored is read back as it was, and a value of another type than its field has is no value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from harness.model.codec import from_plain, to_plain


class Kind(StrEnum):
    """One of the model's enums of texts."""

    GOOD = "good"
    BAD = "bad"


@dataclass
class Facts:
    """A value with a field of each type that the model has."""

    text: str
    whole: int
    number: float
    truth: bool
    kind: Kind = Kind.GOOD
    maybe: str | None = None
    texts: list[str] = field(default_factory=list)
    numbers: tuple[float, ...] = ()
    either: int | float | str | None = None
    anything: Any = None


PLAIN = {"text": "a", "whole": 1, "number": 0.5, "truth": True}


def test_every_type_comes_back():
    facts = Facts("a", 1, 0.5, True, Kind.BAD, "b", ["c"], (1.0, math.inf), 2.5, {"d": [None]})
    assert from_plain(Facts, to_plain(facts)) == facts


@pytest.mark.parametrize(("plain", "read"), [(1, 1), ("Infinity", math.inf), ("-Infinity", -math.inf)])
def test_a_number_is_a_whole_one_or_a_text_of_strict_json(plain, read):
    assert from_plain(Facts, {**PLAIN, "number": plain}).number == read


@pytest.mark.parametrize("plain", [1, 1.5, "1", None])
def test_a_field_of_several_types_keeps_what_it_is_given(plain):
    read = from_plain(Facts, {**PLAIN, "either": plain}).either
    assert (type(read), read) == (type(plain), plain)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": 1}, "expected a text, found 1 @ $.text"),
        ({"text": None}, "expected a text, found None @ $.text"),
        ({"whole": "1"}, "expected a whole number, found '1' @ $.whole"),
        ({"whole": 1.5}, "expected a whole number, found 1.5 @ $.whole"),
        ({"whole": True}, "expected a whole number, found True @ $.whole"),
        ({"number": "much"}, "expected a number, found 'much' @ $.number"),
        ({"number": False}, "expected a number, found False @ $.number"),
        ({"truth": 1}, "expected true or false, found 1 @ $.truth"),
        ({"truth": "no"}, "expected true or false, found 'no' @ $.truth"),
        ({"maybe": 1}, "expected a text, found 1 @ $.maybe"),
        ({"texts": ["a", 1]}, "expected a text, found 1 @ $.texts[1]"),
        ({"numbers": [[]]}, "expected a number, found [] @ $.numbers[0]"),
        ({"kind": "worse"}, "@ $.kind"),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_place(change, said):
    with pytest.raises(ValueError, match=r"@ \$\.") as refused:
        from_plain(Facts, {**PLAIN, **change})
    assert str(refused.value).endswith(said)
