"""`new`: write a scenario that runs as it is, to be changed into one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.model.commands import shell
from harness.model.options import add_options
from harness.model.question import Holds

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help="name of the scenario; with `-- python FILE.py` the scenario is made from that script",
    )
    parser.add_argument(
        "--package", default="peft", metavar="P", help="package whose releases are compared, default peft"
    )
    parser.add_argument("--from", dest="first", metavar="V", help="oldest release of the range")
    parser.add_argument("--to", dest="last", metavar="V", help="newest release of the range")
    add_options(parser, Holds, "new")
    parser.add_argument(
        "--folder",
        default="scenarios",
        metavar="DIR",
        help="folder that holds scenarios, default scenarios; scenarios in `scenarios` are found by name",
    )


def run(options: argparse.Namespace) -> int:
    """Write it and tell how to go on; what is there already stays as it is."""
    from harness.scenario.new import Wish, draft, draft_of_script, write_scenario  # noqa: PLC0415
    from harness.scenario.script import check_requirements  # noqa: PLC0415

    pins = check_requirements(options.pins, "--with")
    wish = Wish(options.package, options.first, options.last, pins)
    made = draft_of_script(options.command, wish) if options.command else draft(wish)
    folder = Path(options.folder)
    for path in write_scenario(options.name, folder, made):
        print(f"wrote {path}")
    subject = options.name if folder == Path("scenarios") else str(folder / options.name)
    print("next:")
    for verb in ("validate", "bisect"):
        print(f"  {shell([verb, subject])}")
    return 0
