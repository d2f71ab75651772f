"""All keys of scenario.toml: the one place that says what each takes, its default and its meaning.

A key that is added here, or to an oracle, is checked, told by `harness validate`, in the JSON schema and in the
reference; `reader.py` has to hand its value to the scenario.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.keys import Key
from harness.keys.kinds import (
    ABOVE_0,
    BOOLEAN,
    COUNT,
    PACKAGE,
    REQUIREMENT,
    SETTING,
    SPECIFIER,
    TEXT,
    VERSION,
    WHOLE,
    list_of,
    one_of,
    table,
    table_of,
)
from harness.probes.probe import HANG_AFTER

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTINGS = table_of(SETTING, "a table of settings of the job")

ARM: Mapping[str, Key] = {
    "default": Key(BOOLEAN, "whether the arm runs when none is named", default=True, example=False),
    "seeds": Key(COUNT, "seeds that the arm needs at least", default=1, example=8),
    "fixes": Key(
        BOOLEAN,
        "whether an arm that is no default runs too when remedies are tried (`--fixes`)",
        default=False,
        example=True,
    ),
    "ranks": Key(
        COUNT, "processes that the arm is started as; none: as many as the scenario says", example=2
    ),
}
"""Every other key of an arm is a setting of the job."""

FIX: Mapping[str, Key] = {
    "set": Key(_SETTINGS, "settings of the job that the remedy changes", example={"lr": 5e-5}),
    "release": Key(
        one_of("last good"),
        "in place of `set`: the last good release is taken, and nothing else is changed",
        example="last good",
    ),
    "description": Key(
        TEXT, "what the remedy does, for the report", default="", example="learning rate 5e-5"
    ),
    "by": Key(TEXT, "who recommends it", default="", example="article"),
    "arms": Key(
        list_of(TEXT, "a list of arms"), "the arms that it is meant for; none: all", example=["fp16"]
    ),
}

ALSO: Mapping[str, Key] = {
    "package": Key(PACKAGE, "the second package", required=True, example="transformers"),
    "from": Key(VERSION, "oldest release of its range; none: the oldest of all", example="4.45.2"),
    "to": Key(VERSION, "newest release of its range; none: the newest of all", example="4.46.3"),
}

SCENARIO: Mapping[str, Key] = {
    "description": Key(TEXT, "what is asked, for people", default="", example="LoRA in 16 bits"),
    "package": Key(PACKAGE, "the package whose releases are compared", required=True, example="peft"),
    "from": Key(VERSION, "oldest release of the range; none: the oldest of all", example="0.3.0"),
    "to": Key(VERSION, "newest release of the range; none: the newest of all", example="0.12.0"),
    "also": Key(
        table("a table of a second package: `package`, `from`, `to`"),
        "a second package whose releases are varied too, for an answer that may depend on both",
        example={"package": "transformers", "from": "4.45.2", "to": "4.46.3"},
    ),
    "python": Key(SPECIFIER, "which Python the environments have", default=">=3.9", example="==3.11.*"),
    "pins": Key(
        list_of(REQUIREMENT, 'a list of requirements such as ["torch==2.13.0"]'),
        "what every environment holds besides the package under test",
        default=[],
        example=["torch==2.13.0", "transformers==4.57.6"],
    ),
    "job": Key(TEXT, "the training script, seen from the scenario's folder", default="job.py"),
    "command": Key(
        list_of(TEXT, 'a list of words, such as ["python", "repro.py"]', least=1),
        "in place of `job`: what is run, without settings, and judged by its exit status before anything else",
        example=["python", "repro.py"],
    ),
    "timeout": Key(ABOVE_0, "seconds that a probe may take", default=600),
    "threads": Key(COUNT, "CPU threads of a probe", default=1),
    "ranks": Key(
        COUNT,
        "processes that the job is started as, with RANK, WORLD_SIZE and MASTER_ADDR as torch's own launcher sets them",
        default=1,
        example=2,
    ),
    "hang_after": Key(
        ABOVE_0, "seconds without any work of all ranks after which they hang", default=HANG_AFTER
    ),
    "seed": Key(WHOLE, "seed of the first run; further seeds count up from it", default=0),
    "probes_per_gpu": Key(COUNT, "how many probes run on one GPU at a time", default=1),
    "statistics_every": Key(
        COUNT,
        "weights and gradients are described in every n-th step only; the loss, and what stops being finite, in all",
        default=1,
    ),
    "online": Key(BOOLEAN, "whether probes may use the network", default=False),
    "variables": Key(
        table_of(TEXT, "a table of texts"),
        "environment variables that probes get besides",
        default={},
        example={"TOKENIZERS_PARALLELISM": "false"},
    ),
    "parameters": Key(
        _SETTINGS,
        "settings of the job that all arms share, handed over as `--name value`",
        default={},
        example={"steps": 200},
    ),
    "arms": Key(
        table_of(table("a table of settings of the job"), "a table of arms, [arms.NAME]"),
        "named sets of settings of the job, each of which is answered for itself",
        required=True,
        example={"bf16": {"dtype": "bfloat16"}},
    ),
    "oracle": Key(
        table("a table of the oracle's settings, `kind` among them"),
        "what judges a probe",
        required=True,
        example={"kind": "training", "loss_below": 0.4},
    ),
    "fixes": Key(
        table_of(
            table('a table with either `set`, settings of the job, or `release = "last good"`'),
            "a table of remedies, [fixes.NAME]",
        ),
        "remedies that `--fixes` tries on the sides of each boundary",
        default={},
        example={"clip": {"set": {"clip": 1.0}}},
    ),
}
