"""The nightly workflow from night to night: the next machine gets history and site, and nothing else."""

from __future__ import annotations

import shutil

from test_workflows import NIGHT, run_step
from toyindex import BAD

SUMMARY = "Add what the night tells to the job's summary"


def machine(month, name, earlier=None):
    """Return a fresh machine's folder with what the caches keep of an earlier one."""
    folder = month.folder / name
    folder.mkdir()
    shutil.copytree(month.folder / "scenarios", folder / "scenarios")
    shutil.copy(month.folder / "nightly.toml", folder)
    if earlier is not None:
        (folder / "state").mkdir()
        for file in (earlier / "state").glob("history.sqlite*"):
            shutil.copy(file, folder / "state")
        shutil.copytree(earlier / "public", folder / "public")
    return folder


def test_the_next_machine_knows_what_was_told_and_tells_only_what_is_new(month):
    month.release("1.0")
    first = machine(month, "first")
    run_step(first, NIGHT)
    run_step(first, "Draw the site")
    month.release("2.0", BAD)
    second = machine(month, "second", first)
    run_step(second, NIGHT, code=1)
    run_step(second, SUMMARY)
    assert (second / "summary").read_text().startswith("# New regression: toy 2.0 breaks plain")
    run_step(second, "Draw the site")
    assert "toy 2.0 breaks plain" in (second / "public" / "feed.xml").read_text()
    third = machine(month, "third", second)
    run_step(third, NIGHT)
    run_step(third, SUMMARY)
    assert (third / "summary").read_text().startswith("# Ran, nothing new.")
    run_step(third, "Draw the site")
    assert "toy 2.0 breaks plain" in (third / "public" / "feed.xml").read_text()


def test_a_run_of_the_site_is_accepted(month):
    month.release("1.0")
    first = machine(month, "first")
    run_step(first, NIGHT)
    run_step(first, "Draw the site")
    second = machine(month, "second", first)
    (run,) = (second / "public" / "runs").iterdir()
    run_step(second, "Move the baseline", RUN=run.name, WHO="ada")
