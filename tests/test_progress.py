"""How a run goes on, as a terminal shows it: what a person reads, whatever stands in texts of jobs and packages."""

from __future__ import annotations

import contextlib
import os
import re
import threading

import pytest

from harness.cli.answer import show_arm
from harness.cli.progress import Lines, Live, watcher
from harness.cli.terminal import terminal
from harness.report.model import ArmResult
from harness.sessions.finding import Finding
from harness.verdicts.verdict import Judgement, Verdict

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def screen(monkeypatch):
    """Open a terminal; returns a stream to it, and what closes it and gives the lines that it got, without colours."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    ours, its = os.openpty()
    parts = []

    def read():
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side is closed
                return
            parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    stream = os.fdopen(its, "w", encoding="utf-8")

    def lines():
        stream.close()
        reader.join()
        text = _CONTROL.sub("\r", _COLOUR.sub("", b"".join(parts).decode()))
        return [one.strip() for one in re.split(r"[\r\n]+", text) if one.strip()]

    yield stream, lines
    if not stream.closed:
        lines()
    os.close(ours)


def finding(verdict, reason):
    return Finding(Judgement(verdict, reason), None)


def test_a_terminal_gets_a_bar_and_keeps_a_line_of_what_is_not_good(screen):
    stream, shown = screen
    with contextlib.redirect_stderr(stream), watcher() as live:
        assert isinstance(live, Live)
        live.expected(3)
        live.started("fp16", "1.0", 0)
        live.finished("fp16", "1.0", 0, finding(Verdict.GOOD, "finite"))
        live.started("fp16", "1.1", 0)
        live.started("fp16", "1.2", 1)
        live.progress.refresh()
        live.finished("fp16", "1.1", 0, finding(Verdict.BAD, "ValueError: [/x] :warning: of [red]"))
        live.progress.refresh()
        live.expected(1)
        live.note("2 releases of toy[cpu] in [/x]")
        live.progress.refresh()
        live.note("warning: [/x] is yanked")
    lines = shown()
    assert "bad 1.1 fp16  ValueError: [/x] :warning: of [red]" in lines
    assert "warning: [/x] is yanked" in lines
    assert not any("1.0 fp16  finite" in line for line in lines)
    assert any(" 1/3 1.1 fp16, 1.2 fp16 again" in line for line in lines)
    assert any(" 2/3 1.2 fp16 again" in line for line in lines)
    assert any(" 2/3 2 releases of toy[cpu] in [/x]" in line for line in lines)


def test_a_file_gets_plain_lines(capsys):
    with watcher() as plain:
        assert isinstance(plain, Lines)
        plain.expected(2)
        plain.finished("fp16", "1.0", 1, finding(Verdict.BAD, "[/x]"))
    assert re.fullmatch(r"\[1/2, 0 s left\] 1.0 fp16 again: bad, \[/x\]\n", capsys.readouterr().err)


def test_the_name_of_an_arm_is_no_style(capsys):
    show_arm(terminal(), ArmResult("[/x] [red]", {}, "regressed", "1.0 :warning: broke it.", [], []))
    assert capsys.readouterr().out == "[/x] [red] regressed: 1.0 :warning: broke it.\n"
