"""Any script, any command: its end is judged by git bisect's rules, and nothing it does is mistaken for a culprit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from states import own_state
from toyindex import DAYS, HISTORY, ToyIndex, plant, wheel

REPRO = (
    'import toy\nvalue = toy.loss(3)\nprint(f"loss={value!r}")\nassert value == value, "the loss is NaN"\n'
)
PRINTS = 'import toy\nprint(f"loss={toy.loss(3)!r}")\n'
EXIT = {"good": 0, "bad": 1, "skip": 125}
BOUNDARIES = [("regressed", "1.1", "2.0"), ("fixed", "2.1", "3.0")]


@pytest.fixture
def bisect(toy, harness):
    """Bisect the toy package with a script; returns the process and the report's only arm."""

    def run(script: str, *words: str, command: tuple[str, ...] = ("python", "repro.py")):
        (toy / "repro.py").write_text(script, encoding="utf-8")
        done = harness("bisect", "--package", "toy", "--with", "helper==1.0", *words, "--", *command)
        assert "Traceback" not in done.stderr
        path = Path("reports/latest/report.json")
        return done, json.loads(path.read_text(encoding="utf-8"))["arms"][0] if path.exists() else None

    return run


def boundaries(arm):
    return [
        (one["kind"], one["before"], one["after"])
        for one in arm["boundaries"]
        if one["signal"] == "verdict" and one["confirmed"]
    ]


def verdicts(arm):
    return {row["version"]: row["verdict"] for row in arm["releases"]}


def test_the_exit_status_is_the_verdict(bisect):
    done, arm = bisect(REPRO)
    assert done.returncode == 0
    assert boundaries(arm) == BOUNDARIES
    assert [one["skipped"] for one in arm["boundaries"]] == [["1.2", "1.3", "1.4"], ["2.2"]]
    row = arm["releases"][5]
    assert (row["version"], row["reason"]) == ("2.0", "AssertionError: the loss is NaN")
    assert row["fingerprint"] == {"kind": "exception", "exception": "AssertionError"}
    assert row["command"].endswith("--release 2.0 -- python repro.py")
    assert "Cause" not in done.stdout  # a script leaves nothing that could be exchanged
    assert f"```python\n{REPRO}```" in Path("reports/latest/issue.md").read_text(encoding="utf-8")


def test_the_command_of_a_release_repeats_it(bisect, harness):
    _, arm = bisect(REPRO)
    words = arm["releases"][5]["command"].split()[3:]
    done = harness(*words)
    assert done.returncode == 1
    assert "toy 2.0 repro: bad, AssertionError" in done.stdout


@pytest.mark.parametrize(
    ("script", "verdict", "said"),
    [
        ("", "good", "exit status 0"),
        ("raise SystemExit(1)", "bad", "exit status 1"),
        ("raise SystemExit(127)", "bad", "exit status 127"),
        ("raise SystemExit(125)", "skip", "asks to be skipped"),
        ("raise SystemExit(134)", "skip", "ended by signal 6"),
        ("import os; os.kill(os.getpid(), 11)", "skip", "killed by SIGSEGV"),
        ("import toy.nosuch", "skip", "cannot be imported: ModuleNotFoundError"),
        ("from toy import nosuch", "skip", "cannot be imported: ImportError"),
        ("def broken(:", "skip", "cannot be imported: SyntaxError"),
        ("while True: pass", "skip", "out of time"),
        ("raise MemoryError('tried to allocate 2 GiB')", "skip", "out of memory: tried to allocate 2 GiB"),
        ("open('nosuch')", "bad", "FileNotFoundError"),
    ],
)
def test_how_a_script_ends(toy, harness, script, verdict, said):
    (toy / "repro.py").write_text(script + "\n", encoding="utf-8")
    done = harness("probe", "--package", "toy", "--release", "1.0", "--timeout", "2", "repro.py")
    assert done.returncode == EXIT[verdict], done.stderr
    assert f"repro: {verdict}, " in done.stdout
    assert said in done.stdout


def test_a_gigabyte_of_output_is_capped_and_what_comes_last_is_kept(toy, harness):
    script = "block = 'x' * 2**20\nfor _ in range(1024): print(block)\nprint('loss=0.25')\n"
    (toy / "repro.py").write_text(script, encoding="utf-8")
    words = ("--package", "toy", "--release", "1.0", "--metric", "loss", "--expect", "<0.5", "repro.py")
    done = harness("probe", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "loss 0.25 < 0.5" in done.stdout
    (folder,) = [line.split(": ")[1] for line in done.stdout.splitlines() if line.startswith("trace and")]
    assert (Path(folder) / "output.txt").stat().st_size < 2**20


def test_a_package_that_no_lock_can_satisfy_is_a_skip_of_every_release(bisect):
    done, arm = bisect(REPRO, "--with", "nosuch==1")
    assert done.returncode == 3
    assert set(verdicts(arm).values()) == {"skip"}
    assert all("nosuch was not found" in row["reason"] for row in arm["releases"])
    assert "no release of toy could be tested" in done.stdout


def test_a_script_with_a_syntax_error_is_a_skip_of_every_release(bisect):
    done, arm = bisect("def broken(:\n")
    assert done.returncode == 3
    assert set(verdicts(arm).values()) == {"skip"}


def test_what_is_printed_can_make_it_bad(bisect):
    _, arm = bisect(PRINTS, "--bad-when-stdout-matches", "loss=nan")
    assert boundaries(arm) == BOUNDARIES
    assert arm["releases"][5]["reason"] == "the output has 'loss=nan'"


def test_another_error_is_a_skip(bisect):
    _, arm = bisect(REPRO, "--error-matches", "TypeError")
    assert set(verdicts(arm).values()) == {"good", "skip"}
    assert "another error" in arm["releases"][5]["reason"]


def test_the_import_can_be_what_is_looked_for(bisect):
    _, arm = bisect("import toy\n", "--import-errors", "bad", "--from", "1.1", "--to", "1.4")
    assert verdicts(arm)["1.4"] == "bad"
    assert boundaries(arm) == [("regressed", "1.1", "1.4")]


@pytest.mark.parametrize("expect", [("--expect", "<0.5"), ()])
def test_a_printed_metric_against_a_bound_or_against_the_oldest_release(bisect, expect):
    _, arm = bisect(PRINTS, "--metric", "loss", *expect)
    assert boundaries(arm) == BOUNDARIES
    assert arm["releases"][5]["reason"] == "loss is nan"


def test_a_recorded_metric(bisect):
    _, arm = bisect(
        "import toy, harness\nharness.record('value', toy.loss(2))\nharness.record('value', toy.loss(3))\n",
        *("--metric", "value", "--expect", "<0.4"),
    )
    assert boundaries(arm) == BOUNDARIES


def test_any_program(bisect):
    done, arm = bisect(REPRO, command=("sh", "-c", "python repro.py > out.txt && grep -q loss out.txt"))
    assert boundaries(arm)[1] == BOUNDARIES[1]
    assert Path("out.txt").exists() == (
        "own files" not in done.stderr
    )  # it works in a copy where that can be had


def test_a_program_of_a_shared_package_sees_the_package_under_test(bisect, monkeypatch, tmp_path):
    code = "def main():\n    import toy\n    assert toy.loss(3) == toy.loss(3), 'the loss is NaN'\n"
    monkeypatch.setenv("HARNESS_HOME", own_state(tmp_path / "fresh"))
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", code, program="train-toy", uploaded=DAYS[0]))
        plant(index, HISTORY)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        _, arm = bisect(REPRO, command=("train-toy",))
    assert boundaries(arm)[1] == BOUNDARIES[1]


def test_a_script_says_by_itself_what_it_needs(toy, harness):
    block = '# /// script\n# requires-python = ">=3.8"\n# dependencies = ["helper<2", "toy>=1"]\n# ///\n'
    (toy / "repro.py").write_text(block + REPRO, encoding="utf-8")
    done = harness("bisect", "repro.py", "--package", "toy")
    assert done.returncode == 0, done.stderr
    report = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))
    assert boundaries(report["arms"][0]) == BOUNDARIES
    assert report["environment"]["pins"] == ["helper<2"]
    assert report["environment"]["packages"]["helper"] == "1.0"


def test_judging_again_needs_no_scenario(bisect, harness):
    _, before = bisect(REPRO)
    done = harness("judge")
    assert done.returncode == 0, done.stderr
    after = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))["arms"][0]
    assert boundaries(after) == boundaries(before)


def test_a_changed_script_runs_anew_and_an_equal_one_does_not(bisect, toy):
    (toy / "local.py").write_text("BOUND = 9\n", encoding="utf-8")
    script = "import toy, local\nassert toy.loss(1) < local.BOUND\n"
    bisect(script, "--from", "1.0", "--to", "1.1")
    stored = set((toy / "home").glob("*")) | set(_probes())
    bisect(script, "--from", "1.0", "--to", "1.1")
    assert set(_probes()) <= stored
    (toy / "local.py").write_text("BOUND = 0\n", encoding="utf-8")
    _, arm = bisect(script, "--from", "1.0", "--to", "1.1")
    assert verdicts(arm) == {"1.0": "bad", "1.1": "bad"}


def _probes():
    import os

    return Path(os.environ["HARNESS_HOME"]).glob("probes/*/*")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bisect",), "what is to be run?"),
        (("bisect", "--", "python", "repro.py"), "--package is missing"),
        (("bisect", "--package", "toy", "--", "python", "nosuch.py"), "nosuch.py: there is no such file"),
        (("bisect", "--package", "toy", "repro.py", "--", "true"), "give one of them"),
        (("bisect", "--package", "toy", "--with", "a=1", "--", "true"), "expected a requirement"),
        (("bisect", "--package", "toy", "--python", "three", "--", "true"), "expected a version as 3.10"),
        (("bisect", "--package", "toy", "--expect", "<1", "--", "true"), "without --metric"),
        (("bisect", "--package", "toy", "--metric", "a", "--expect", "1", "--", "true"), "as in <0.5"),
        (
            ("bisect", "--package", "toy", "--error-matches", "(", "--", "true"),
            "expected a regular expression",
        ),
        (("bisect", "--package", "toy", "--env", "NOSUCH", "--", "true"), "give its value"),
        (("bisect", "toy", "--metric", "loss"), "[oracle] table"),
        (("releases", "toy", "--", "true"), "takes no command"),
        (
            ("bisect", "--package", "toy", "python", "repro.py", "--steps", "3"),
            "a command stands behind --, after all options: bisect … -- python repro.py --steps 3",
        ),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(toy, harness, words, said):
    (toy / "repro.py").write_text(REPRO, encoding="utf-8")
    done = harness(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_a_probe_does_not_see_is_no_fault_of_a_release(bisect, tmp_path_factory, monkeypatch):
    data = tmp_path_factory.mktemp("data") / "rows.txt"
    monkeypatch.setenv("HOME", str(data.parent))  # a home is hidden, wherever it lies
    data.write_text("1\n", encoding="utf-8")
    script = f"open({str(data)!r}).read()\n{REPRO}"
    done, arm = bisect(script)
    if "own files" in done.stderr:
        assert done.returncode == 2
        assert f"the job needs {data}, which a probe does not see" in done.stderr
        assert f"--env DATA={data.parent}" in done.stderr
        assert arm is None
        done, arm = bisect(script, "--env", f"DATA={data.parent}")
    assert done.returncode == 0, done.stderr
    assert boundaries(arm) == BOUNDARIES
