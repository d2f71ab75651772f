"""The documentation is true: its commands are commands, what they print is what they print, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from harness.cli import VERBS, parser, split_command
from harness.runs.stored import load_report

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
    if not {"made", "_build"} & {*path.relative_to(ROOT).parts}
)
EXAMPLES = re.compile(r"```console\n(.*?)```", re.DOTALL)
EXECUTED = {"new", "validate"}
"""Commands whose examples have their output on the page, and are executed here: they need no index."""


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def name(path):
    return str(path.relative_to(ROOT))


def blocks(path):
    """Yield (commands, output) of each console example: lines behind `$`, and the other ones."""
    for block in EXAMPLES.findall(path.read_text(encoding="utf-8")):
        lines = block.replace("\\\n", " ").splitlines()
        commands = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        yield commands, [line for line in lines if not line.startswith("$ ")]


def harness_words(command):
    """Return the words behind `harness` in a line of a shell; none where another program is called."""
    line = re.split(r"\s+(?:#|&|>)", command)[0]
    words = shlex.split(line.rpartition("&& ")[2])
    return words[1:] if words and words[0] == "harness" else []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_command_is_one(path):
    for commands, _ in blocks(path):
        for command in commands:
            words = harness_words(command)
            if words and not words[0].startswith("--"):
                parser().parse_args(split_command(words)[0])


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_what_an_example_prints_is_executed(path, harness, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for commands, output in blocks(path):
        if not output:
            continue
        (command,) = commands
        words = harness_words(command)
        assert words, f"{command} has its output on the page, and is no command of the harness"
        assert words[0] in EXECUTED, f"{command}: nothing executes this example"
        done = harness(*words)
        assert done.stdout.splitlines() == output


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_to_files_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (path.parent / link).exists(), link


def test_the_answer_in_the_readme_is_that_of_the_stored_run(generate):
    printed = " ".join(generate.answer(generate.EXAMPLE).split())
    (block,) = re.findall(r"```text\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    place = 0
    for part in re.split(r"^\.\.\.\n", block, flags=re.MULTILINE):
        place = printed.index(" ".join(part.split()), place)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 160


def test_the_layers_in_contributing_are_those_that_are_checked():
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    picture = told[told.index("```text\ncli") :].split("```")[1]
    rows = [set(re.findall(r"[a-z_]+", line.partition("  ")[0])) for line in picture.splitlines()[1:]]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    checked = [{name.strip().removeprefix("harness.") for name in layer.split("|")} for layer in layers]
    assert [row for row in rows if row][: len(checked) - 1] == checked[:-1]


def test_the_documentation_has_every_command_and_option(generate):
    text = generate.command_line()
    for verb in VERBS:
        assert f"## harness {verb}\n" in text
        for action in generate.actions(verb):
            for option in action.option_strings:
                assert option in text, f"{verb} {option}"
    told = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert {verb for verb in VERBS if f"harness {verb}" not in told and f"`{verb}`" not in told} == set()


def test_every_made_part_is_made_and_every_included_one_is_there(generate, tmp_path):
    generate.write(tmp_path)
    assert all(path.read_text(encoding="utf-8").strip() for path in tmp_path.iterdir())
    told = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    included = set(re.findall(r"\.\./made/([\w.-]+)", told))
    assert included == {path.name for path in tmp_path.iterdir()}


def test_each_skip_of_the_float8_example_is_explained(generate):
    (arm,) = [one for one in load_report(generate.FLOAT8).arms if one.name == "float8"]
    skipped = {one.version for one in arm.releases if one.verdict == "skip"}
    text = (ROOT / "docs" / "explanation" / "low-precision.md").read_text(encoding="utf-8")
    order = [one.version for one in arm.releases]
    told = set()
    for cell in re.findall(r"^\| ([\d., to]+) \|", text, re.MULTILINE):
        for part in cell.split(", "):
            first, _, last = part.partition(" to ")
            told |= set(order[order.index(first) : order.index(last or first) + 1])
    assert told == skipped
