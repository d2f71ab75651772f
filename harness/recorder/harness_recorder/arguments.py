"""A job's settings: a dictionary of defaults, each of which the command line can replace by `--name value`."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any, NoReturn, Sequence

_BOOLEANS = {"true": True, "false": False}


def settings(defaults: dict[str, Any], arguments: Sequence[str] | None = None) -> SimpleNamespace:
    """Return the defaults with the command line's values in their place.

    `--trace PATH` is understood besides and does the same as HARNESS_TRACE=PATH. A name that is not known or a
    value of the wrong type ends the program with exit code 2 and a sentence on standard error; `--help` lists the
    settings.

    Args:
        defaults: Name to value. A value is read as the type of its default: bool (`true` or `false`), int, float
            or str; where the default is None, as str.
        arguments: What to read in place of the program's own arguments.
    """
    values = dict(defaults)
    rest = list(sys.argv[1:] if arguments is None else arguments)
    while rest:
        option = rest.pop(0)
        if option in {"-h", "--help"}:
            print("settings, each with its default:")
            print("\n".join(f"  --{name} {_text(value)}" for name, value in defaults.items()))
            sys.exit(0)
        name, assigned, text = option[2:].partition("=")
        if not option.startswith("--") or (name not in defaults and name != "trace"):
            _refuse(f"unknown setting {option!r}; known: " + ", ".join(f"--{known}" for known in defaults))
        if not assigned:
            if not rest:
                _refuse(f"--{name} lacks a value")
            text = rest.pop(0)
        if name in defaults:
            values[name] = _read(name, text, defaults[name])
        else:
            os.environ["HARNESS_TRACE"] = text
    return SimpleNamespace(**values)


def _read(name: str, text: str, default: Any) -> Any:
    try:
        if isinstance(default, bool):
            return _BOOLEANS[text.lower()]
        return text if default is None else type(default)(text)
    except (KeyError, ValueError):
        allowed = "true or false" if isinstance(default, bool) else f"of type {type(default).__name__}"
        _refuse(f"--{name} {text}: must be {allowed}, such as {_text(default)}")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refuse(message: str) -> NoReturn:
    print(f"{os.path.basename(sys.argv[0])}: {message}", file=sys.stderr)
    sys.exit(2)
