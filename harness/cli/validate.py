"""`validate`: say everything that is wrong in a scenario.toml, or what it means."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.cli.terminal import terminal
from harness.errors import UsageError
from harness.model.commands import shell
from harness.words import counted, from_to

if TYPE_CHECKING:
    import argparse

    from harness.scenario import Reading, Scenario
    from harness.scenario.explain import Paragraph

_WIDTH = 200
"""Columns where the output is no terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "scenarios",
        metavar="SCENARIO",
        nargs="*",
        help="name of a scenario, or path of its folder; with one, the command explains it; with several, it prints one line for each",
    )
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON schema of scenario.toml, for editors"
    )
    parser.add_argument(
        "--reference",
        action="store_true",
        help="print the reference of all keys of scenario.toml, in Markdown",
    )


def run(options: argparse.Namespace) -> int:
    """Check scenarios, all of them whatever is wrong; exit status 2 if anything is."""
    from harness.scenario import find_scenario, read_scenario  # noqa: PLC0415 - kept out of start-up
    from harness.scenario.reader import shown  # noqa: PLC0415

    if bool(options.schema) + bool(options.reference) + bool(options.scenarios) != 1:
        raise UsageError("what is to be checked? Name a scenario; or else give --schema, or --reference")
    if not options.scenarios:
        return _print(schema=options.schema)
    wrong = 0
    for name in options.scenarios:
        try:
            reading = read_scenario(find_scenario(name))
        except UsageError as error:
            complaints: tuple[str, ...] = (str(error),)
        else:
            complaints = reading.complaints
            if reading.scenario is not None:
                print(f"{shown(reading.path)}: all right")
                if len(options.scenarios) == 1:
                    _explain(name, reading, reading.scenario)
        wrong += len(complaints)
        for complaint in complaints:
            print(f"error: {complaint}", file=sys.stderr)
    return UsageError.exit_code if wrong else 0


def _print(*, schema: bool) -> int:
    from harness.scenario.reference import reference  # noqa: PLC0415 - kept out of start-up
    from harness.scenario.schema import schema_text  # noqa: PLC0415

    print(schema_text() if schema else reference(), end="")
    return 0


def _explain(name: str, reading: Reading, scenario: Scenario) -> None:
    from harness.scenario.explain import explain  # noqa: PLC0415 - kept out of start-up

    if scenario.description:
        print(scenario.description)
    print(_releases(scenario))
    for paragraph in explain(scenario, reading.content):
        print(f"\n{paragraph.title}" if paragraph.title else "")
        _draw(paragraph)
    print(f"\nnext: {shell(['bisect', name.removesuffix('scenario.toml')])}")


def _draw(paragraph: Paragraph) -> None:
    from rich.table import Table  # noqa: PLC0415 - kept out of start-up
    from rich.text import Text  # noqa: PLC0415

    made = terminal(highlight=False)
    if not made.is_terminal:
        made = terminal(highlight=False, width=_WIDTH)
    table = Table.grid(padding=(0, 2))
    for row in paragraph.rows:
        value = Text(row.value)
        if row.default:
            value = Text(f"{row.value} (default)" if row.value else "not given", style="dim")
        table.add_row(Text(f"  {row.name}", style="bold", no_wrap=True), value, Text(row.meaning))
    with made.capture() as drawn:
        made.print(table)
    made.file.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))


def _releases(scenario: Scenario) -> str:
    """Return how many releases the range has, by the last listing of this state directory: nothing is asked of the network."""
    from harness.releases.index import last_listing  # noqa: PLC0415
    from harness.releases.release import select  # noqa: PLC0415
    from harness.releases.settings import read_settings  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415 - kept out of start-up

    listed = last_listing(scenario.package, read_settings(), State.find())
    if listed is None:
        return f"how many releases that is: python -m harness releases {scenario.package}"
    releases, fetched = listed
    try:
        chosen = select(releases, package=scenario.package, first=scenario.first, last=scenario.last)
    except UsageError as error:
        return f"warning: by the listing of {fetched}, {error}"
    return f"{counted(len(chosen), 'release')} of {scenario.package}, {from_to(chosen[0].version, chosen[-1].version)}, by the listing of {fetched}"
