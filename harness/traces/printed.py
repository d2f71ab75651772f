"""Values that a script prints, each with its name: `NAME=value`, `NAME: value`, JSON lines.

| form | where |
|------|-------|
| `loss=0.5 step=3` | anywhere on a line, between spaces, commas, semicolons or square brackets |
| `loss: 0.5, step = 3` | on a line that consists of such pairs alone |
| `{"loss": 0.5, "eval": {"loss": 0.6}}` | a line of JSON, or a dictionary as Python prints it: `loss`, `eval.loss` |

What stands inside parentheses or braces is code or the form of an object (`Linear(in_features=3, bias=True)`), and no
value. Neither is what is a part of something longer: a URL, a version, an option, `95%`, `1_000`.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from typing import Any

EXPECTED = "NAME=value, as in loss=0.5"
"""The form to advise."""

_NAME = r"[A-Za-z_][\w./-]*"
_VALUE = r"[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf(?:inity)?|nan)"
_PAIR = re.compile(rf"(?<![^\s,;\[])({_NAME})=({_VALUE})(?=[\s;\]]|,(?!\d)|$)", re.IGNORECASE)
_SPACED = rf"{_NAME}[ \t]*[:=][ \t]*{_VALUE}"
_LINE_OF_PAIRS = re.compile(rf"\s*{_SPACED}(?:(?:\s*[,;]\s*|\s+){_SPACED})*[\s,;]*", re.IGNORECASE)
_SPACED_PAIR = re.compile(rf"({_NAME})[ \t]*[:=][ \t]*({_VALUE})(?=[\s,;]|$)", re.IGNORECASE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CUT = re.compile(r"\n\[\d+ bytes left out\]\n")  # as of `harness.probes.process.Output`
_LONGEST_OBJECT = 65536
_BRACKETS = {")": "(", "}": "{"}


def printed_values(output: str) -> dict[str, list[float]]:
    """Return {name: values in order} of all that is printed in one of the forms above."""
    found: dict[str, list[float]] = {}
    text = _whole_lines(_COLOUR.sub("", output)).replace("\r", "\n")
    for line, outside in zip(text.split("\n"), _without_brackets(text).split("\n"), strict=True):
        if line.lstrip().startswith("{"):
            pairs = _of_object(line.strip())
        elif "=" not in outside and ":" not in outside:
            continue
        elif _LINE_OF_PAIRS.fullmatch(outside):
            pairs = [(name, float(value)) for name, value in _SPACED_PAIR.findall(outside)]
        else:
            pairs = [(name, float(value)) for name, value in _PAIR.findall(outside)]
        for name, value in pairs:
            found.setdefault(name, []).append(value)
    return found


def _whole_lines(text: str) -> str:
    """Return the text without the two lines that are cut where a part of the output was left out."""
    cut = _CUT.search(text)
    if cut is None:
        return text
    following = text.find("\n", cut.end())
    return text[: text.rfind("\n", 0, cut.start()) + 1] + (text[following:] if following >= 0 else "")


def _without_brackets(text: str) -> str:
    """Return the text with what stands inside closed parentheses and braces made unreadable, line by line.

    A pair counts over several lines only if it looks like code: the line that opens it ends in a bracket or a comma,
    and the parenthesis follows a name.
    """
    open_at: list[int] = []
    inside: list[tuple[int, int]] = []
    for match in re.finditer(r"[(){}]", text):
        if match[0] not in _BRACKETS:
            open_at.append(match.start())
        elif open_at and text[open_at[-1]] == _BRACKETS[match[0]]:
            begin, end = open_at.pop(), match.start()
            line_end = text.find("\n", begin, end)
            code = text[begin] == "{" or text[begin - 1 : begin].isidentifier()
            if line_end < 0 or (code and text[begin:line_end].rstrip().endswith(tuple("({[,"))):
                inside.append((begin, end))
    parts, place = [], 0
    for begin, end in sorted(inside):
        if begin >= place:
            parts += [text[place:begin], re.sub(r"[^\n]", "(", text[begin:end])]
            place = end
    return "".join([*parts, text[place:]])


def _of_object(line: str) -> list[tuple[str, float]]:
    """Return the numbers of a dictionary, and of the dictionaries in it as `outer.inner`."""
    content = _dictionary(line)
    pairs = []
    for name, value in content.items():
        inner = (
            {f"{name}.{key}": item for key, item in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
        pairs += [(str(key), number) for key, item in inner.items() if (number := _number(item)) is not None]
    return pairs


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return (
        float(value) if isinstance(value, float) or abs(value) < 1 << 1023 else math.copysign(math.inf, value)
    )


def _dictionary(line: str) -> dict[Any, Any]:
    """Read one line of JSON or a dictionary as Python prints it; empty where it is neither."""
    if len(line) > _LONGEST_OBJECT:
        return {}
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        content = _of_python(line)
    return content if isinstance(content, dict) else {}


class _Infinite(ast.NodeTransformer):
    """Puts numbers in place of `nan` and `inf`, which are names to Python."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Constant(float(node.id)) if node.id in {"nan", "inf"} else node


def _of_python(line: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of what the line holds, such as an escape that Python does not know
            return ast.literal_eval(_Infinite().visit(ast.parse(line, mode="eval")))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
