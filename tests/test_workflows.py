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
from test_bisect import report

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
    assert verbs == {"plan", "bisect", "merge", "accept", "nightly", "publish"}


def test_the_documentation_is_published_beside_the_reports():
    written = script("Build the documentation, beside the reports")
    assert "nox -s docs -- public/docs" in written
    (folder,) = {
        words[words.index("--to") + 1]
        for words in commands(ROOT / ".github/workflows/nightly.yml")
        if "publish" in words
    }
    assert folder == "public"
    assert "def docs(" in (ROOT / "noxfile.py").read_text(encoding="utf-8")


def run_step(folder, name, code=0, **more):
    """Run a step's script as GitHub's runner does, in a folder with the checked-out files."""
    variables = {"HARNESS_HOME": "state", "QUESTION": "toy --search sweep", "SHARDS": "3", "SITE_URL": ""}
    files = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script(name)],
        cwd=folder,
        env={**os.environ, **variables, **files, "PATH": path, **more},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout + done.stderr


@pytest.fixture
def runner(toy):
    """Run steps in machines of their own: a folder each, with the checked-out files."""

    def run(machine, name, **more):
        folder = toy / machine
        if not folder.exists():
            shutil.copytree(toy / "scenarios", folder / "scenarios")
        run_step(folder, name, **more)
        return folder

    return run


NIGHT = "Look at what is new since the last night"
WATCHED = '[[watch]]\nscenario = "toy"\nfrom = "1.0"\n'


def handed_over(folder, target, parts):
    """Take what an artefact of a job's state directory has into another machine's folder."""
    for part in parts:
        if (folder / "state" / part).is_dir():
            shutil.copytree(folder / "state" / part, target / part)


def test_the_nightly_workflow_on_the_toy_index(toy, harness, runner):
    """Plan, three shards on machines of their own, a night that answers from their store, drawn as a site."""
    planned = runner("plan", "Resolve the locks once, share out what is not stored")
    (line,) = (planned / "output").read_text().splitlines()
    name, _, matrix = line.partition("=")
    assert name == "matrix"
    night = toy / "night"
    shutil.copytree(toy / "scenarios", night / "scenarios")
    shutil.copytree(planned / "plan", night / "plan")
    (night / "nightly.toml").write_text(WATCHED, encoding="utf-8")
    handed_over(planned, night / "homes" / "home-0", ("locks", "listings"))
    for entry in json.loads(matrix)["include"]:
        machine = f"shard-{entry['shard']}"
        shutil.copytree(toy / "scenarios", toy / machine / "scenarios")
        shutil.copytree(planned / "plan", toy / machine / "plan")
        folder = runner(machine, "Execute this share", SHARD=f"{entry['shard']}/{entry['of']}")
        handed_over(folder, night / "homes" / f"home-{entry['shard']}", ("probes", "listings"))
    assert len(list((night / "homes").iterdir())) == 4
    runner("night", "One state directory of all machines")
    stored = sorted((night / "state").glob("probes/*/*"))
    locks = sorted((night / "state").glob("locks/*"))
    runner("night", NIGHT)
    assert sorted((night / "state").glob("probes/*/*")) == stored
    # Nothing is resolved; the lock of what cannot be installed goes, so that another night resolves it anew.
    assert set((night / "state").glob("locks/*")) <= set(locks)
    runner("night", "Add what the night tells to the job's summary")
    runner("night", "Draw the site")
    assert "toy 3.1 is the baseline of plain" in (night / "summary").read_text(encoding="utf-8")
    assert "toy" in (night / "public" / "index.html").read_text(encoding="utf-8")
    assert harness("bisect", "toy", "--search", "sweep", "--out", "one").returncode == 0
    places = [
        [(one["kind"], one["after"], one["signal"]) for one in made["arms"][0]["boundaries"]]
        for made in (report(night / "reports" / "latest"), report("one/latest"))
    ]
    assert places[0] == places[1]  # but for the yanked 1.1, which a night leaves out
    assert ("regressed", "2.0", "verdict") in places[0]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_has_no_complaint(path):
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("actionlint is not installed; the job `workflows` of ci.yml runs it")
    done = subprocess.run([program, str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
