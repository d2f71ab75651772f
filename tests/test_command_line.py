"""Every command and option is described and starts quickly; a newcomer is told what to do next."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import VERBS, main, parser, split_command
from harness.cli.completion import SHELLS
from harness.model.commands import GROUPS, OF_FIRST, OF_SUBJECT

ROOT = Path(__file__).parent.parent


def verbs():
    (action,) = [one for one in parser()._actions if isinstance(one, argparse._SubParsersAction)]
    return action.choices


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_help(verb):
    for action in verbs()[verb]._actions:
        assert action.help, f"{verb} {action.option_strings or action.dest} has no help"


def test_harness_alone_says_what_to_do_next(harness):
    done = harness()
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 6
    commands = [line.split()[1] for line in done.stderr.splitlines()[1:]]
    assert {*commands} <= {*VERBS, "--help"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bisct"], "did you mean bisect?"),
        (["--debug", "repro.py"], "to bisect: harness bisect repro.py --package PACKAGE --from VERSION"),
        (["--", "python", "x.py"], "harness bisect --package PACKAGE --from VERSION -- python x.py"),
        (["report", "--", "python", "x.py"], "these commands do: bisect, blame, new, plan, probe"),
        (["report", "--nosuch"], "report does not know --nosuch"),
    ],
)
def test_a_word_that_is_no_command_gets_a_way_out(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_bisect_help_begins_with_examples_and_the_options_that_matter():
    text = verbs()["bisect"].format_help()
    headings = [line.removesuffix(":") for line in text.splitlines() if re.match(r"\w.*:$", line)]
    assert headings == ["examples", "positional arguments", *GROUPS, "help"]
    first = text.partition(OF_FIRST)[2].partition(OF_SUBJECT)[0]
    assert re.findall(r"^  (--\w+)", first, re.MULTILINE) == [
        "--package",
        "--from",
        "--to",
        "--arm",
        "--with",
    ]
    examples = re.findall(r"^  harness (.*)$", text, re.MULTILINE)
    assert len(examples) == 2
    for line in examples:
        parser().parse_args(split_command(shlex.split(line))[0])


@pytest.mark.parametrize("shell", SHELLS)
def test_a_completion_script_knows_every_command(shell, harness):
    done = harness("--print-completion", shell)
    assert done.returncode == 0, done.stderr
    assert all(verb in done.stdout for verb in VERBS)


def test_the_shell_completes_commands_and_options(harness, tmp_path):
    (tmp_path / "complete.bash").write_text(harness("--print-completion", "bash").stdout, encoding="utf-8")
    code = """source complete.bash
    ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _shtab_harness; echo "${COMPREPLY[@]}"; }
    ask harness bis
    ask harness bisect --packa"""
    done = subprocess.run(["bash", "-c", code], check=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == ["bisect", "--package"], done.stderr


def test_start_up_imports_nothing_heavy():
    code = (
        "import sys; from harness.cli import parser; parser().format_help();"
        "print([m for m in ('pandas', 'matplotlib', 'numpy', 'jinja2', 'requests', 'rich', 'shtab') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("words", "loaded"), [(["--help"], []), (["history", "--help"], ["history"])])
def test_help_loads_the_options_of_the_verb_that_is_named_alone(words, loaded):
    code = (
        "import sys; from harness.cli import VERBS, main\n"
        f"try: main({words})\n"
        "except SystemExit: pass\n"
        "print([verb for verb in VERBS if f'harness.cli.{verb}' in sys.modules], 'harness.model' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == f"{loaded} False"


def test_no_registry_or_machine_is_named_in_the_code():
    written = ["harness/**/*.py", "scenarios/**/*.py", "docs/**/*.md", "docs/*.py", "*.md", "noxfile.py"]
    for path in [path for pattern in written for path in ROOT.glob(pattern)]:
        text = path.read_text(encoding="utf-8")
        for word in ("pythonhosted", "pypi.org", "/root/", "/opt/"):
            assert word not in text, f"{path} names {word}"
