"""The CI workflows: safe by rule, right by the real parser, and their own scripts executed on the toy index."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from string import Template

import pytest
import yaml
from test_bisect import report, timeless

from harness.cli import parser

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
SAMPLES = {"matrix.shard": "1", "matrix.of": "3"}


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def scripts(path):
    """Return (job, step's name, environment, script) of every step that runs one."""
    workflow = load(path)
    return [
        (name, step.get("name", ""), {**workflow.get("env", {}), **step.get("env", {})}, step["run"])
        for name, job in workflow["jobs"].items()
        for step in job["steps"]
        if "run" in step
    ]


def script(name):
    """Return the one script of the nightly workflow whose step is called so."""
    (found,) = [one for one in scripts(ROOT / ".github/workflows/nightly.yml") if one[1] == name]
    return found[3]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(path):
    used = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert used
    for line in used:
        assert PINNED.fullmatch(line.strip().removeprefix("- ")), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_the_least(path):
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert more in ({}, {"deploy": {"pages": "write", "id-token": "write"}})
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if "actions/checkout@" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False
    text = path.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "pull_request_target" not in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_expression_stands_in_a_script(path):
    """What comes from outside reaches a script as a variable; in its text it could be code."""
    for job, name, _, text in scripts(path):
        assert "${{" not in text, f"{job}: {name or text}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_ends_and_runs_of_a_kind_do_not_overlap(path):
    workflow = load(path)
    assert {"group", "cancel-in-progress"} == workflow["concurrency"].keys()
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 300, name


def commands(path):
    """Return the words of every harness command in a workflow, its variables put in."""
    found = []
    for _, _, variables, text in scripts(path):
        values = {
            key: re.sub(r"\$\{\{ *([\w.]+) *}}", lambda match: SAMPLES.get(match[1], ""), str(value))
            for key, value in variables.items()
        }
        for match in re.finditer(r"python -m harness ([^\n|>]*)", text.replace("\\\n", " ")):
            line = Template(match[1].removesuffix(")")).substitute(values)
            found.append(shlex.split(line))
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_harness_command_is_one(path):
    for words in commands(path):
        parser().parse_args(words)


def test_the_nightly_workflow_uses_the_commands_that_are_tested_here():
    verbs = {words[0] for words in commands(ROOT / ".github/workflows/nightly.yml")}
    assert verbs == {"plan", "bisect", "merge", "publish"}


@pytest.fixture
def runner(toy, monkeypatch):
    """Run a step's script as GitHub's runner does, in a machine of its own: a folder with the checked-out files."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    variables = {"HARNESS_HOME": "state", "QUESTION": "toy --search sweep", "SHARDS": "3", "SITE_URL": ""}

    def run(machine, name, **more):
        folder = toy / machine
        if not folder.exists():
            shutil.copytree(toy / "scenarios", folder / "scenarios")
        files = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script(name)],
            cwd=folder,
            env={**os.environ, **variables, **files, **more},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return folder

    return run


def test_the_nightly_workflow_on_the_toy_index(toy, harness, runner):
    """Plan, three shards on machines of their own, one answer: as on one machine, and drawn as a site."""
    planned = runner("plan", "Resolve the locks once, share out what is not stored")
    (line,) = (planned / "output").read_text().splitlines()
    name, _, matrix = line.partition("=")
    assert name == "matrix"
    answering = toy / "answer"
    shutil.copytree(toy / "scenarios", answering / "scenarios")
    shutil.copytree(planned / "plan", answering / "plan")
    for entry in json.loads(matrix)["include"]:
        machine = f"shard-{entry['shard']}"
        shutil.copytree(toy / "scenarios", toy / machine / "scenarios")
        shutil.copytree(planned / "plan", toy / machine / "plan")
        folder = runner(machine, "Execute this share", SHARD=f"{entry['shard']}/{entry['of']}")
        for part in ("probes", "listings"):
            shutil.copytree(folder / "state" / part, answering / "shards" / machine / part)
    assert len(list((answering / "shards").iterdir())) == 3
    runner("answer", "One home of all shares")
    stored = sorted((answering / "state").glob("probes/*/*"))
    runner("answer", "Answer")
    assert sorted((answering / "state").glob("probes/*/*")) == stored
    runner("answer", "Add the answer to the job's summary")
    runner("answer", "Draw the site")
    assert "2.0" in (answering / "summary").read_text(encoding="utf-8")
    assert "toy" in (answering / "public" / "index.html").read_text(encoding="utf-8")
    assert harness("bisect", "toy", "--search", "sweep", "--out", "one").returncode == 0
    assert timeless(report(answering / "reports" / "latest")) == timeless(report("one/latest"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_has_no_complaint(path):
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("actionlint is not installed; the job `workflows` of ci.yml runs it")
    done = subprocess.run([program, str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
