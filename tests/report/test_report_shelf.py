"""A figure that was drawn once is not drawn again, and nothing damaged is handed out."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import synthetic_report

from harness.report import cache, write_report
from harness.report.cache import FigureCache
from harness.report.drawing import Drawing, Stroke

CURVE = ((1.0, 2.0, 3.0), (0.5, float("nan"), 0.2))
DRAWING = Drawing(
    "toy 1 → 2, cpu", "Loss", False, 3, (Stroke("1", "#0b62a8", (), 1.3, False, (CURVE,), (2,)),)
)


@pytest.fixture
def plots(monkeypatch):
    """Counts what is really drawn."""
    seen = []
    plot = cache._plot
    monkeypatch.setattr(cache, "_plot", lambda drawing: seen.append(drawing) or plot(drawing))
    return seen


def test_the_second_time_nothing_is_drawn_and_the_bytes_are_the_same(tmp_path, plots):
    first = FigureCache(tmp_path).drawn(DRAWING)
    assert FigureCache(tmp_path).drawn(DRAWING) == first == FigureCache().drawn(DRAWING)
    assert len(plots) == 2, "once to keep it, once without a cache"


@pytest.mark.parametrize("change", [{"title": "Other"}, {"heading": "toy 1 → 3"}, {"log": True}, {"last": 4}])
def test_whatever_changes_the_picture_is_drawn(tmp_path, plots, change):
    FigureCache(tmp_path).drawn(DRAWING)
    FigureCache(tmp_path).drawn(replace(DRAWING, **change))
    assert len(plots) == 2


def test_a_figure_half_gone_is_drawn_again(tmp_path, plots):
    FigureCache(tmp_path).drawn(DRAWING)
    next(tmp_path.glob("*.png")).unlink()
    FigureCache(tmp_path).drawn(DRAWING)
    next(tmp_path.glob("*.svg")).write_bytes(b"\xff")
    FigureCache(tmp_path).drawn(DRAWING)
    assert len(plots) == 3


def test_the_least_recently_used_go_first(tmp_path, plots, monkeypatch):
    monkeypatch.setattr(cache, "MOST", 2)
    for count, last in enumerate((3, 4, 5)):
        FigureCache(tmp_path).drawn(replace(DRAWING, last=last))
        newest = max(tmp_path.glob("*.svg"), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (count, count))
    FigureCache(tmp_path).trim()
    assert len(list(tmp_path.iterdir())) == 4
    FigureCache(tmp_path).drawn(replace(DRAWING, last=3))
    assert len(plots) == 4


def test_files_have_a_title_and_the_page_does_not_repeat_it(drawn):
    name = "fp16-0.6.2-0.7.0-loss"
    svg = (drawn / "figures" / f"{name}.svg").read_text(encoding="utf-8")
    page = (drawn / "index.html").read_text(encoding="utf-8")
    assert "peft 0.6.2 → 0.7.0, fp16" in svg
    assert "peft 0.6.2 → 0.7.0, fp16" not in page
    assert 'viewBox="0 30.24 316.8 194.4"' in page


def test_drawing_again_needs_no_drawing_library(tmp_path):
    write_report(tmp_path / "run", *synthetic_report.report(), drawings=tmp_path / "drawings")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import synthetic_report; from pathlib import Path;"
        "from harness.report import write_report;"
        "write_report(Path(sys.argv[2]) / 'again', *synthetic_report.report(), drawings=Path(sys.argv[2]) / 'drawings');"
        "print([m for m in ('matplotlib', 'pandas') if m in sys.modules])"
    )
    here = os.path.dirname(__file__)  # noqa: PTH120 - handed to another process as text
    done = subprocess.run(
        [sys.executable, "-c", code, here, tmp_path], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
    page = "index.html"
    assert (tmp_path / "run" / page).read_bytes() == (tmp_path / "again" / page).read_bytes()


def test_nobody_waits_for_a_pipe_in_place_of_a_figure(tmp_path):
    first = FigureCache(tmp_path).drawn(DRAWING)
    for ending in (".svg", ".png"):
        (path,) = tmp_path.glob(f"*{ending}")
        path.unlink()
        os.mkfifo(path)
        assert FigureCache(tmp_path).drawn(DRAWING) == first
        assert path.is_file(), "it was drawn again"
