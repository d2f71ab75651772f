"""index.html of the site: where every arm stands, what was found when, and every run; no script, nothing loaded."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from harness.report.boundaries import span, tone
from harness.report.render import environment, style
from harness.search.boundaries import Conclusion
from harness.site.state import figure_address, report_address
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.site.runs import Run
    from harness.site.state import Found, State

TEMPLATES = Path(__file__).parent / "templates"


def page(
    states: Sequence[State],
    found: Sequence[Found],
    runs: Sequence[Run],
    *,
    title: str,
    documented: bool = False,
) -> str:
    """Return the text of index.html.

    Args:
        states: By scenario and package.
        found: Newest first.
        runs: Oldest first.
        title: Of the site.
        documented: Whether the documentation lies beside it, in `docs/`.
    """
    groups = [(key, list(several)) for key, several in groupby(states, key=lambda state: state.key[:2])]
    template = environment(TEMPLATES).get_template("site.html.j2")
    return template.render(
        title=title,
        documented=documented,
        headline=headline(states),
        groups=groups,
        found=found,
        runs=list(reversed(runs)),
        address=report_address,
        span=span,
        figure=figure_address,
        tone=tone,
        style=style(TEMPLATES / "site.css"),
    )


def headline(states: Sequence[State]) -> str:
    """Return in one sentence how things stand with the newest releases.

    An arm that is good in no release is a control or a question of its own: it is counted, and not called broken.
    """
    broken = [state for state in states if state.broken]
    if broken:
        names = ", ".join(f"{state.key[2]} in {state.key[0]}" for state in broken[:3])
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        return f"Broken with the newest release: {names}{more}."
    good = sum(state.newest == "good" for state in states)
    never = sum(state.arm.conclusion == Conclusion.NEVER_GOOD for state in states)
    said = _good(good, len(states) - never, whole=not never)
    if not never:
        return f"{said}."
    arms = f"{counted(never, 'arm is', 'arms are')} good with no release"
    return f"{said}; {arms}." if len(states) > never else f"{arms[0].upper()}{arms[1:]}."


def _good(good: int, count: int, *, whole: bool) -> str:
    """Return how many of `count` arms are good with the newest release that was tested; `whole`: these are all."""
    if good == count:
        plural = f"{counted(count, 'arm is', 'arms are')} good"
        named = {1: "The one arm is good", 2: "Both arms are good"}.get(count, f"All {plural}")
        arms = named if whole else plural
        return f"{arms} with the newest release tested"
    return f"{good} of {count} arms are good with the newest release tested, the others have no answer"
