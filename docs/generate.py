"""Makes the parts of the documentation that the code itself knows, each as Markdown in `docs/made/`.

| file | is made from |
|---|---|
| `command-line.md` | the parser of the command line |
| `scenario.md` | the keys of scenario.toml, `harness/scenario/keys.py` |
| `nightly.md` | the keys of nightly.toml, `harness/nightly/keys.py` |
| `report.md` | the dataclasses of report.json, `harness/report/model.py` |
| `question.md` | the parts of a `Question` and their options |
| `trace.md` | the docstring of `harness/traces/trace.py`, which is Markdown |
| `answer.txt` | the stored run in `reports/example`, as `harness report` prints it |
| `float8.txt` | the stored run in `reports/float8`, in the same way |
| `seen.md` | the summaries of self-tests in `reports/seen` |
| `script.txt` | the stored run of `tutorial/repro.py` in `tutorial/run` |
"""

from __future__ import annotations

import argparse
import inspect
import io
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from rich.console import Console

from harness.cli import VERBS, parser
from harness.cli.answer import show_facts
from harness.keys.markdown import key_table
from harness.model.options import described
from harness.model.question import Ends, Holds, Job, Judging, Place, Plan
from harness.nightly.keys import BUDGET, TOP, WATCH
from harness.report.model import Report
from harness.runs.stored import load_report
from harness.scenario.reference import reference
from harness.selftest.seen import read_seen, seen_table
from harness.traces import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "reports" / "example"
FLOAT8 = ROOT / "reports" / "float8"
SEEN = ROOT / "reports" / "seen"
SCRIPT = Path(__file__).parent / "tutorial" / "run"
WIDTH = 110


def command_line() -> str:
    """Return every command with all its options, group by group as in its help."""
    return "\n".join(line for name, verb in _parsers().items() for line in _verb(name, verb))


def _parsers() -> dict[str, argparse.ArgumentParser]:
    (action,) = [one for one in parser()._actions if isinstance(one, argparse._SubParsersAction)]  # noqa: SLF001
    return dict(action.choices)


def actions(verb: str) -> list[argparse.Action]:
    """Return the options and arguments of a command, but for those that every command has."""
    return [one for one in _parsers()[verb]._actions if one.dest not in ("help", "debug")]  # noqa: SLF001


def _verb(name: str, verb: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## harness {name}\n"
    yield f"{VERBS[name][0].upper()}{VERBS[name][1:]}.\n"
    usage = " ".join(verb.format_usage().removeprefix("usage: ").split())
    yield f"```text\n{usage}\n```\n"
    for group in verb._action_groups:  # noqa: SLF001 - there is no public list
        actions = [one for one in group._group_actions if one.dest not in ("help", "debug")]  # noqa: SLF001
        if not actions:
            continue
        if group.title not in ("positional arguments", "options"):
            yield f"**{group.title}**\n"
        if group.description:
            yield f"{' '.join(group.description.split())}\n"
        yield "| option | meaning |"
        yield "|---|---|"
        yield from (f"| {_option(one)} | {_cell(one.help or '')} |" for one in actions)
        yield ""


def _option(action: argparse.Action) -> str:
    value = "\\|".join(map(str, action.choices)) if action.choices else action.metavar or ""
    takes = value if action.nargs != 0 else ""
    names = action.option_strings or [str(action.metavar or action.dest)]
    return ", ".join(f"`{f'{name} {takes}' if action.option_strings and takes else name}`" for name in names)


def scenario() -> str:
    """Return the reference of scenario.toml without its heading, which the page has."""
    text = reference().split("\n", 2)[2]
    return text.replace("[the schema](scenario.schema.json)", "`scenarios/scenario.schema.json`")


def nightly() -> str:
    """Return the reference of nightly.toml."""
    lines = ["## The file\n", *key_table(TOP), "## `[budget]`\n", *key_table(BUDGET)]
    return "\n".join([*lines, "## `[[watch]]`\n", *key_table(WATCH)])


def report() -> str:
    """Return every structure of report.json with its fields, the report itself first."""
    return "\n".join(line for kind in _structures(Report) for line in _structure(kind))


def _structures(first: type[Any]) -> list[type[Any]]:
    """Return a dataclass and all that its fields hold, in order of appearance."""
    found, waiting = [], [first]
    while waiting:
        kind = waiting.pop(0)
        if kind in found:
            continue
        found.append(kind)
        for hint in get_type_hints(kind).values():
            waiting += [one for one in _inside(hint) if is_dataclass(one)]
    return found


def _inside(hint: Any) -> Iterator[Any]:
    yield hint
    for one in get_args(hint):
        yield from _inside(one)


def _structure(kind: type[Any]) -> Iterator[str]:
    text = inspect.getdoc(kind) or ""
    head, _, attributes = text.partition("Attributes:")
    meanings = _meanings(attributes)
    yield f"## {kind.__name__}\n"
    yield f"{_plain(' '.join(head.split()))}\n"
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    hints = inspect.get_annotations(kind)
    for one in fields(kind):
        yield f"| `{one.name}` | `{_cell(str(hints[one.name]))}` | {_cell(_plain(meanings.get(one.name, '')))} |"
    yield ""


def _meanings(text: str) -> dict[str, str]:
    """Return {field: meaning} of the section `Attributes` of a docstring; several fields may share an entry."""
    found: dict[str, str] = {}
    for entry in re.split(r"\n    (?=\w)", f"\n{text.strip()}".replace("\n", "\n    ", 1)):
        names, colon, meaning = entry.strip().partition(":")
        if colon and re.fullmatch(r"\w+(, \w+)*", names):
            found |= dict.fromkeys(names.split(", "), " ".join(meaning.split()))
    return found


def _plain(text: str) -> str:
    """Return text in which Markdown sees no links and no braces of substitutions."""
    return re.sub(r"(?<!`)\[([^\]`]*)\](?!`)", r"\\[\1\\]", text)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def question() -> str:
    """Return the parts of a question that are made of options, a row for each field."""
    lines = []
    for part in (Ends, Holds, Job, Judging, Plan, Place):
        lines += [f"### {part.__name__}\n", f"{(part.__doc__ or '').splitlines()[0]}\n"]
        lines += ["| field | option | meaning |", "|---|---|---|"]
        for name, _, option in described(part):
            names = [switch for _, switch, _ in option.switches] or [option.name]
            lines.append(f"| `{name}` | {', '.join(f'`{one}`' for one in names)} | {_cell(option.help)} |")
        lines.append("")
    return "\n".join(lines)


def answer(folder: Path) -> str:
    """Return what `harness report` prints of a stored run."""
    printed = io.StringIO()
    console = Console(file=printed, highlight=False, soft_wrap=True, width=WIDTH, color_system=None)
    show_facts(console, load_report(folder), Path("reports") / "latest")
    return printed.getvalue()


MADE: dict[str, Callable[[], str]] = {
    "command-line.md": command_line,
    "scenario.md": scenario,
    "nightly.md": nightly,
    "report.md": report,
    "question.md": question,
    "trace.md": lambda: inspect.getdoc(trace) or "",
    "seen.md": lambda: seen_table(read_seen(SEEN)),
    "answer.txt": lambda: answer(EXAMPLE),
    "float8.txt": lambda: answer(FLOAT8),
    "script.txt": lambda: answer(SCRIPT),
}


def write(folder: Path) -> None:
    """Write all parts."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MADE.items():
        (folder / name).write_text(make(), encoding="utf-8")
