"""The question that a run answers, checked before anything is downloaded."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.releases.index import Listing, list_releases
from harness.releases.settings import IndexSettings, read_settings
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.bundles.bundle import Bundle
    from harness.home import Home
    from harness.scenario import Arm, Scenario, Setting
    from harness.verdicts.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Question:
    """Which releases of what, judged how, executed where.

    Attributes:
        package: Canonical name of the package under test.
        extras: Those of its extras that every environment holds.
        arms: At least one.
        first, last: Ends of the range; None for the oldest and newest release.
        prereleases: Whether they belong to the range.
        search: Name of the strategy.
        find_fix: Look for the release that repaired something.
        any_failure: Take every failure for the same one.
        leave_out: Versions that are no part of the range, for they would mislead a search.
        assume: {version: verdict} that hold without an execution.
        confidence: What the noisy search is to reach.
        seeds: Executions of each arm, with seeds that count up from the scenario's.
        device: `auto`, `cpu` or `cuda`.
        confirm_on: `cpu` or `cuda`: another device on which the sides of boundaries are executed too; None: no other.
        torch: As `--torch`.
        jobs: Probes at a time; None for what the machine allows.
        out: Folder of the reports.
        locks: Folder with the locks of an earlier run to use again; None resolves them.
        bundle: Where releases and packages come from in place of an index; None: from the index.
        environment_cap: Bytes that all environments together may take.
        scheduler: Address of the dask cluster that executes; None for this machine.
        command: The command line that asks this question.
        probe_words: What names the same job in the same environment to `probe`.
        cause: Whether to find out why the sides of each boundary differ.
        fixes: Whether to try the scenario's remedies.
        held: The other package of a question about two, as `peft 0.13.2`; empty for a question about one.
        calibrations: {arm: what its releases are compared with} in place of a release of the range.
        refresh: Resolve the environments' common part anew, in place of the stored one.
    """

    scenario: Scenario
    package: str
    arms: Sequence[Arm]
    first: str | None = None
    last: str | None = None
    prereleases: bool = False
    search: str = "auto"
    find_fix: bool = False
    any_failure: bool = False
    leave_out: Sequence[str] = ()
    assume: Mapping[str, Verdict] = field(default_factory=dict)
    confidence: float = 0.95
    seeds: int = 1
    device: str = "auto"
    confirm_on: str | None = None
    torch: str = "auto"
    jobs: int | None = None
    out: Path = Path("reports")
    locks: Path | None = None
    bundle: Bundle | None = None
    environment_cap: int = 20 * 10**9
    scheduler: str | None = None
    command: str = ""
    probe_words: Sequence[str] = ()
    cause: bool = True
    fixes: bool = False
    held: str = ""
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    refresh: bool = False
    extras: Sequence[str] = ()

    def settings(self) -> IndexSettings:
        """Return where packages come from: the bundle, else what the user has configured."""
        return self.bundle.settings() if self.bundle else read_settings()

    def listing(self, home: Home) -> Listing:
        """Return all releases of the package under test.

        Raises:
            HarnessError: As `list_releases` says.
        """
        if self.bundle:
            return Listing(self.bundle.releases, self.bundle.warning())
        return list_releases(self.package, self.settings(), home)

    def line(self) -> str:
        """Return the scenario as the history calls it: with another package held it is another one."""
        return f"{self.scenario.name} with {self.held}" if self.held else self.scenario.name

    def newest(self) -> str | None:
        """Return the newest release that the environments' common part is resolved with; None for the newest of all.

        A question about an old range is to be asked with packages of its time, not with those of the newest release.
        """
        same = self.package == self.scenario.package
        return self.last if self.scenario.ad_hoc else self.scenario.last if same else None

    def probe_command(self, release: str, arm: Arm) -> str:
        """Return the command line that executes one probe by hand."""
        words = ["python", "-m", "harness", "probe", *self.probe_words, "--release", release]
        if self.scenario.ad_hoc:
            return shlex.join([*words, "--", *self.scenario.command])
        return shlex.join([*words, "--arm", arm.name])

    def pins(self) -> list[str]:
        """Return the scenario's pins for the package under test: its own pin goes, the scenario's own packages come in.

        Extras that are asked for are a requirement of their own, to which each release adds its version.
        """
        names = {str(canonicalize_name(Requirement(pin).name)): pin for pin in self.scenario.pins}
        names.pop(self.package, "")
        also = self.scenario.also
        for own in (self.scenario.package, also.package if also else self.package):
            if own != self.package:
                names.setdefault(own, own)
        extras = [f"{self.package}[{','.join(self.extras)}]"] if self.extras else []
        return [*names.values(), *extras]


def apply_overrides(arms: Sequence[Arm], overrides: Mapping[str, Setting]) -> list[Arm]:
    """Return the arms with settings given on the command line in place of the scenario's."""
    return [replace(arm, parameters={**arm.parameters, **overrides}) for arm in arms]


def parse_override(text: str) -> tuple[str, Setting]:
    """Read `name=value`; the value becomes a number, true or false where it looks like one.

    Raises:
        UsageError: There is no `=`, or no name before it.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.replace("_", "").isalnum():
        raise UsageError(f"--set {text}: expected NAME=VALUE, a setting of the job")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, {"true": True, "false": False}.get(value.lower(), value)


def parse_assumption(text: str) -> tuple[str, Verdict]:
    """Read `release=verdict`.

    Raises:
        UsageError: It is written otherwise, or there is no such verdict.
    """
    version, equals, verdict = text.partition("=")
    allowed = (Verdict.GOOD, Verdict.BAD, Verdict.SKIP)
    if not equals or verdict not in allowed:
        raise UsageError(f"--assume {text}: expected RELEASE=VERDICT, with one of {', '.join(allowed)}")
    return version, Verdict(verdict)
