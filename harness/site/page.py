"""index.html of the site: where every arm stands, what was found when, and every run; no script, nothing loaded."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.report.answer import TONES
from harness.report.render import environment
from harness.report.text import one_line
from harness.site.state import figure_address, report_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.site.pairs import Pair
    from harness.site.runs import Run
    from harness.site.state import Found, State

TEMPLATES = Path(__file__).parent / "templates"


def page(
    states: Sequence[State],
    found: Sequence[Found],
    runs: Sequence[Run],
    pairs: Sequence[Pair] = (),
    *,
    title: str,
) -> str:
    """Return the text of index.html.

    Args:
        states: By scenario and package.
        found: Newest first.
        runs: Oldest first.
        pairs: Answers about two packages, newest first.
        title: Of the site.
    """
    made = environment(TEMPLATES)
    style = made.loader.get_source(made, "page.css")[0] if made.loader else ""
    groups = [(key, list(several)) for key, several in groupby(states, key=lambda state: state.key[:2])]
    return made.get_template("site.html.j2").render(
        title=title,
        headline=headline(states) if states else one_line(pairs[0].report.arms[0].answer),
        groups=groups,
        found=found,
        runs=list(reversed(runs)),
        pairs=pairs,
        address=report_address,
        figure=figure_address,
        tones=TONES,
        style=Markup(style + (TEMPLATES / "site.css").read_text(encoding="utf-8")),  # noqa: S704 - our own files
    )


def headline(states: Sequence[State]) -> str:
    """Return in one sentence how things stand with the newest releases."""
    bad = [state for state in states if state.newest == "bad"]
    good = [state for state in states if state.newest == "good"]
    if bad:
        names = ", ".join(f"{state.key[2]} in {state.key[0]}" for state in bad[:3])
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        return f"Broken with the newest release: {names}{more}."
    if len(good) == len(states):
        count = {1: "The one arm trains", 2: "Both arms train"}.get(len(good), f"All {len(good)} arms train")
        return f"{count} with the newest release."
    return f"{len(good)} of {len(states)} arms train with the newest release, the others have no verdict."
