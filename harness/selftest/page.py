"""The summary of a self-test as Markdown and as a page that loads nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.report.markdown import md
from harness.report.render import environment, style
from harness.report.text import seconds
from harness.selftest.summary import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.selftest.summary import Summary

TEMPLATES = Path(__file__).parent / "templates"
MARKS = {State.PASSED: "good", State.FAILED: "bad", State.NOT_APPLICABLE: "untested"}
"""{state: mark of a report that stands before it}."""


def markdown(summary: Summary) -> str:
    """Return the content of `summary.md`."""
    return "\n".join([f"# {md(summary.sentence(), 900)}", "", *_lines(summary)])


def _lines(summary: Summary) -> Iterator[str]:
    yield f"{summary.started}, training-bisect {summary.harness}, {seconds(summary.seconds)}."
    yield ""
    yield "| fact | value |"
    yield "|---|---|"
    for name, value in summary.facts.items():
        yield f"| {md(name)} | {md(value)} |"
    yield ""
    yield "| step | result | seen | time |"
    yield "|---|---|---|---|"
    for step in summary.steps:
        seen = "; ".join(md(line, 600) for line in step.seen)
        yield f"| {md(step.name)} | {step.state} | {seen} | {seconds(step.seconds)} |"
    yield ""


def page(summary: Summary) -> str:
    """Return the content of `index.html`."""
    template = environment(TEMPLATES).get_template("selftest.html.j2")
    return template.render(
        summary=summary,
        marks=MARKS,
        seconds=seconds,
        style=style(TEMPLATES / "selftest.css"),
    )
