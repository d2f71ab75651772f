"""Values of options: how each is read from a word of a command line, and written as one."""

from __future__ import annotations

import argparse
import json
import math

from harness.model.options import Value

VERDICTS = ("good", "bad", "skip")

Setting = str | int | float | bool


def positive(text: str) -> int:
    """Read a whole number above 0, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number above 0")
    return value


def read_seconds(text: str) -> float:
    """Read a number of seconds above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of seconds above 0")
    return value


def read_gigabytes(text: str) -> float:
    """Read a finite number of gigabytes above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of gigabytes above 0")
    return value


def read_setting(text: str) -> tuple[str, Setting]:
    """Read `name=value`: the value becomes a number, true or false where it looks like one; quotes keep a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.replace("_", "").isalnum():
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=VALUE, a setting of the job")
    return name, _read_value(value)


def write_setting(setting: tuple[str, Setting]) -> str:
    """Return the word that `read_setting` reads."""
    name, value = setting
    if isinstance(value, str):
        plain = _read_value(value) == value and not value.startswith(_QUOTE)
        return f"{name}={value}" if plain else f"{name}={json.dumps(value)}"
    return f"{name}={json.dumps(value)}" if isinstance(value, bool) else f"{name}={value!r}"


_QUOTE = '"'


def _read_value(text: str) -> Setting:
    if text.startswith(_QUOTE):
        try:
            quoted = json.loads(text)
        except ValueError:
            return text
        return quoted if isinstance(quoted, str) else text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def read_assumption(text: str) -> tuple[str, str]:
    """Read `release=verdict`; with two packages the release is `package==release`."""
    version, equals, verdict = text.rpartition("=")
    if not equals or not version or verdict not in VERDICTS:
        raise argparse.ArgumentTypeError(
            f"{text}: expected RELEASE=VERDICT, with one of {', '.join(VERDICTS)}"
        )
    return version, verdict


def _join(pair: tuple[str, str]) -> str:
    return "=".join(pair)


COUNT = Value(positive)
NUMBER = Value(float, repr)
SECONDS = Value(read_seconds, repr)
GIGABYTES = Value(read_gigabytes, repr)
SETTING = Value(read_setting, write_setting)
ASSUMPTION = Value(read_assumption, _join)
