"""How templates are filled: every text that they show is cleaned, then escaped."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.report import tests
from harness.report.blame_rows import held
from harness.report.dependencies import proof
from harness.report.dependencies import rows as mixture_rows
from harness.report.descended import patch
from harness.report.descended import rows as descended_rows
from harness.report.devices import rows
from harness.report.inferred import confirmation
from harness.report.lines import raised_in_arm
from harness.report.text import anchor, arrows, capital, clean, one_line

TEMPLATES = Path(__file__).parent / "templates"


@cache  # with its compiled templates: a site renders a page for each of its runs
def environment(*folders: Path) -> Environment:
    """Return what renders the report's templates, and those of further folders, which come first."""
    made = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["anchor"] = anchor
    made.filters["arrows"] = arrows
    made.filters["capitalised"] = capital
    made.filters["confirmation"] = confirmation
    made.filters["dependency_proof"] = proof
    made.filters |= {"descended": descended_rows, "patch": patch}
    made.filters |= {"tests_table": tests.table, "tests_sentence": tests.sentence}
    made.filters["raised_at"] = raised_in_arm
    made.filters["device_rows"] = rows
    made.filters["packages_held"] = held
    made.filters["mixture_rows"] = mixture_rows
    made.filters["svg"] = Markup
    made.filters["moment"] = moment
    return made


def style(own: Path) -> Markup:
    """Return the style of the report's page, and behind it that of a page of another kind."""
    files = (TEMPLATES / "page.css", own)
    return Markup("".join(path.read_text(encoding="utf-8") for path in files))  # noqa: S704 - our own files


def moment(started: str) -> str:
    """Return an ISO time as a person reads it, to the minute; any other text as it is."""
    try:
        found = datetime.fromisoformat(started)
    except ValueError:
        return one_line(started, 60)
    zone = found.tzname() or ""
    return f"{found:%Y-%m-%d %H:%M} {zone}".strip()


def _harmless(value: Any) -> Any:
    """Clean every text that a template shows; escaping follows."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
