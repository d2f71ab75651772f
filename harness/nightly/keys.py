"""All keys of nightly.toml: the one place that says what each takes, its default and its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.keys import Key, Kind
from harness.keys.kinds import (
    ABOVE_0,
    BOOLEAN,
    COUNT,
    SETTING,
    TEXT,
    VERSION,
    list_of,
    one_of,
    table,
    table_of,
)
from harness.model.holds import DEVICES

if TYPE_CHECKING:
    from collections.abc import Mapping

TRIES = 7
"""Nights that a release without a verdict is tried again."""
TITLE = "Training bisections"

_TEXT = Kind("text", {"type": "string", "minLength": 1}, lambda value: isinstance(value, str) and bool(value))
_TABLES = Kind(
    "[[watch]] tables, with two brackets",
    {"type": "array", "items": {"type": "object"}},
    lambda value: isinstance(value, list) and all(isinstance(item, dict) for item in value),
)

TOP: Mapping[str, Key] = {
    "watch": Key(_TABLES, "what is watched: one `[[watch]]` table each", required=True, example=[]),
    "reports": Key(
        _TEXT, "folder of the reports; a path starts at the folder of nightly.toml", default="reports"
    ),
    "publish": Key(_TEXT, "folder of the site; without it, no site is written", example="public"),
    "title": Key(_TEXT, "title of the site", default=TITLE),
    "url": Key(TEXT, "address of the site, for absolute links in its feed", default=""),
    "budget": Key(
        table("a table"), "the table `[budget]`: how much one night may start", example={"probes": 60}
    ),
}
BUDGET: Mapping[str, Key] = {
    "probes": Key(
        COUNT, "executions that one night may start; the rest waits for the next night", example=60
    ),
    "minutes": Key(
        ABOVE_0, "minutes in which one night may start executions; what is started is finished", example=240
    ),
}
WATCH: Mapping[str, Key] = {
    "scenario": Key(
        _TEXT, "name of the scenario, or path of its folder", required=True, example="llama_seq_cls"
    ),
    "arms": Key(
        list_of(TEXT, "a list of names", least=1),
        "the arms to execute; default: the scenario's",
        example=["fp16"],
    ),
    "package": Key(
        _TEXT,
        "the package that is watched; default: the scenario's, and if it has two, both",
        example="transformers",
    ),
    "pre": Key(BOOLEAN, "watch pre-releases too", default=False),
    "from": Key(
        VERSION,
        "oldest release of the answers, whose report then shows them all; default: the baseline",
        example="0.3.0",
    ),
    "source": Key(
        _TEXT,
        "a git repository (`git+URL@ref`) or the path of a clone: each night its newest commit is built and watched "
        "beside the releases, and a build that breaks an arm is followed to its commit; needs git",
        example="git+https://example.org/peft@main",
    ),
    "device": Key(one_of(*DEVICES), "device of the training, as in `bisect`", default="auto"),
    "torch": Key(_TEXT, "where torch comes from, as in `bisect`", default="auto"),
    "seeds": Key(COUNT, "seeds of every arm, as in `bisect`", default=1),
    "set": Key(
        table_of(SETTING, "a table"),
        "settings of the job that are changed in every arm",
        example={"steps": 100},
    ),
    "cause": Key(BOOLEAN, "look for the cause of a change", default=True),
    "fixes": Key(BOOLEAN, "try the scenario's remedies", default=False),
    "tries": Key(
        COUNT, "number of nights in which a release without a verdict is tried again", default=TRIES
    ),
    "repeat_baseline": Key(
        BOOLEAN,
        "execute the baseline again every night; this shows when the machine or its driver changes the training",
        default=False,
    ),
    "refresh": Key(
        BOOLEAN,
        "resolve the shared packages anew every night, so that new releases of dependencies are executed too; without "
        "it they stay as they were resolved first, and only the pins move them",
        default=False,
    ),
}
