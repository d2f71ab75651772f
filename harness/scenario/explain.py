"""What a scenario means, for whoever has just edited it: every setting with its value, and whether that is a default."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.specifiers import SpecifierSet

from harness.keys import toml_text
from harness.scenario.keys import SCENARIO
from harness.verdicts.oracles import EXIT_STATUS, ORACLES, by_exit_status, options
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.keys import Key
    from harness.scenario.scenario import Arm, Fix, Scenario

_PARAGRAPHS = ("description", "parameters", "arms", "oracle", "fixes")
"""Keys that are not told among the plain ones: what arms share is told with each of them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a scenario says.

    Attributes:
        name: Of the key, the arm, or the remedy.
        value: As TOML has it; empty where nothing is said.
        meaning: What the key means, or when the arm runs.
        default: The file does not say it.
    """

    name: str
    value: str
    meaning: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Rows under a title, which may be empty."""

    title: str
    rows: tuple[Row, ...]


def explain(scenario: Scenario, content: Mapping[str, Any]) -> list[Paragraph]:
    """Return what a scenario means.

    Args:
        scenario: The scenario.
        content: What its file says, by which defaults are told apart.
    """
    other = "job" if scenario.command else "command"
    plain = {name: key for name, key in SCENARIO.items() if name not in (*_PARAGRAPHS, other)}
    notes = {"python": _python(scenario.python)}
    found = [
        Paragraph("", tuple(_rows(plain, content, content, notes))),
        Paragraph("arms, each of which is answered for itself:", tuple(map(_arm, scenario.arms.values()))),
        _oracle(scenario.oracle, content["oracle"]),
    ]
    if scenario.fixes:
        found.append(Paragraph("remedies, tried with --fixes:", tuple(map(_fix, scenario.fixes))))
    return found


def _rows(
    keys: Mapping[str, Key], values: Mapping[str, Any], said: Mapping[str, Any], notes: Mapping[str, str]
) -> Iterable[Row]:
    """Yield a row for each key: its value, else its default, and whether the file says it."""
    for name, key in keys.items():
        value = values.get(name, key.default)
        meaning = f"{key.meaning} ({notes[name]})" if name in notes else key.meaning
        yield Row(name, "" if value is None else toml_text(value), meaning, name not in said)


def _python(specifier: str) -> str:
    own = ".".join(str(part) for part in sys.version_info[:3])
    if SpecifierSet(specifier).contains(own):
        return f"here {own}, the harness's own"
    return f"not the harness's own, {own}; uv finds another one, or installs it"


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {toml_text(value)}" for name, value in settings.items())


def _arm(arm: Arm) -> Row:
    when = "runs by default" if arm.default else f"runs if it is named: --arm {arm.name}"
    if arm.fixes and not arm.default:
        when += ", and with --fixes"
    if arm.seeds > 1:
        when += f"; {arm.seeds} seeds at least"
    if arm.ranks is not None:
        when += f"; as {counted(arm.ranks, 'rank')}"
    return Row(arm.name, _settings(arm.parameters), when)


def _oracle(settings: Mapping[str, Any], said: Mapping[str, Any]) -> Paragraph:
    kind = str(settings["kind"])
    keys = {name: key for name, key in options(kind).items() if name != "kind"}
    if not by_exit_status(settings):
        keys = {name: key for name, key in keys.items() if name not in EXIT_STATUS or name in said}
    return Paragraph(f"oracle {kind}: {ORACLES[kind].meaning}", tuple(_rows(keys, settings, said, {})))


def _fix(fix: Fix) -> Row:
    by = f" (by {fix.by})" if fix.by else ""
    arms = f"; for {', '.join(fix.arms)}" if fix.arms else ""
    return Row(
        fix.name,
        "the last good release" if fix.last_good else _settings(fix.settings),
        f"{fix.description}{by}{arms}",
    )
