"""Every "reproduce" command of a run about two packages, executed as printed, finds its probes stored."""

from __future__ import annotations

import pytest
from printed_commands import check, run_as_printed
from toyindex import ToyIndex
from toypairs import BOTH, PAIR, plant_pair, stored

QUESTIONS = {
    "command": (
        (*BOTH, "--from", "1.0", "--seeds", "2", "--env", "SHADE=blue", "--python", "3.11"),
        ("--", "python", "repro.py", "--verbose"),
        "",
    ),
    "scenario": (
        (
            "both",
            "--arm",
            "plain",
            "--arm",
            "calm",
            "--device",
            "cpu",
            "--set",
            "threads=1",
            "--pre",
            "--online",
        ),
        (),
        'also = { package = "right" }',
    ),
    "metric": ((*BOTH, "--metric", "loss", "--no-cause"), ("--", "python", "prints.py"), ""),
    "assumed": (
        (*BOTH, "--assume", "left==4.0=bad", "--leave-out", "left==2.0"),
        ("--", "python", "repro.py"),
        "",
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_of_two_packages(question, ask, tmp_path, monkeypatch, harness):
    words, command, also = QUESTIONS[question]
    (tmp_path / "prints.py").write_text('import judge\nprint(f"loss={judge.loss(3)!r}")\n', encoding="utf-8")
    done, arm = ask(PAIR, *words, command=command, also=also)
    assert done.returncode == 0, done.stderr
    assert arm["grid"]["depends"]
    found = stored()
    parts = [stored(f"reports/{found['run']}/{part['folder']}") for part in found["parts"]]
    with ToyIndex() as index:
        plant_pair(index, PAIR)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        for one in (found, *parts):
            check(one, harness)
        none = run_as_printed(arm["releases"][0]["command"].replace("right==1.0", "right==9.0"), harness)
    assert none.returncode == 2
    assert "there is no right 9.0 in its range" in none.stderr
