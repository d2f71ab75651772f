"""How the answer is searched, confirmed and explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.model.commands import ASKING, OF_RANGE, OF_SEARCH, OF_WHY, PROBING
from harness.model.options import option
from harness.model.values import ASSUMPTION, COUNT, NUMBER

SEARCHES = ("auto", "sweep", "binary", "noisy", "prefix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the answer is searched, confirmed and explained.

    Attributes:
        assume: (version, verdict) that hold without an execution.
        leave_out: Versions that are no part of the range.
    """

    VERBS: ClassVar = ASKING
    GROUP: ClassVar = OF_SEARCH

    search: str = option(
        "auto",
        "--search",
        "sweep: every release; binary: halve the range; noisy: for jobs that are not reproducible; prefix: the first steps "
        "of every release, and in full those where these change; auto (default): measure what an execution costs, then "
        "choose",
        choices=SEARCHES,
    )
    prefix: int = option(
        20,
        "--prefix STEPS",
        "how many steps of every release --search prefix executes, default 20",
        value=COUNT,
    )
    full_jobs: int | None = option(
        None,
        "--full-jobs N",
        "up to how many full jobs of an arm --search prefix executes to look between releases that begin alike, default "
        "a third of them, less what their first steps cost",
        value=COUNT,
    )
    exhaustive: bool = option(
        False, "--exhaustive", "execute every release in full: no release is inferred from another one"
    )
    find_fix: bool = option(False, "--find-fix", "look for the release that repaired the job", verbs=PROBING)
    any_failure: bool = option(
        False, "--any-failure", "treat all failures as the same failure", verbs=(*ASKING, "blame")
    )
    assume: tuple[tuple[str, str], ...] = option(
        (),
        "--assume RELEASE=VERDICT",
        "give a release the verdict good, bad or skip and do not execute it; with two packages "
        "PACKAGE==RELEASE=VERDICT; may be repeated",
        value=ASSUMPTION,
        group=OF_RANGE,
    )
    leave_out: tuple[str, ...] = option(
        (),
        "--leave-out RELEASE",
        "leave this release out of the range; with two packages PACKAGE==RELEASE; may be repeated",
        group=OF_RANGE,
    )
    confidence: float = option(
        0.95,
        "--confidence P",
        "probability that the answer must reach, default 0.95; matters if executions disagree",
        value=NUMBER,
    )
    confirm_on: str | None = option(
        None,
        "--confirm-on",
        "execute the two sides of every boundary on this device too, and compare",
        choices=("cpu", "cuda"),
    )
    cause: bool = option(
        True, "--no-cause", "do not look for the cause of a change", group=OF_WHY, verbs=(*ASKING, "blame")
    )
    commits: str | None = option(
        None,
        "--commits SOURCE",
        "find the commit and the changed lines of every located change in verdict, as `descend` does; SOURCE is a clone, a "
        "bare repository or a URL; without SOURCE the repository in the package's metadata",
        bare="auto",
        group=OF_WHY,
        verbs=("bisect", "blame"),
    )
    patch: str | None = option(
        None,
        "--patch FILE",
        "with --commits: apply this patch to every commit that is executed, as to all that lack the same repair",
        group=OF_WHY,
        verbs=("bisect", "blame"),
    )
    remedies: bool = option(
        False,
        "--fixes",
        "try every remedy of the scenario on both sides of every boundary and on the newest release",
        group=OF_WHY,
    )
    quick_remedies: bool = option(
        True,
        "--no-fixes",
        "try no remedies; without --fixes and --no-fixes they are tried on the newest bad release and on the first bad "
        "one, if that takes less than five minutes",
        group=OF_WHY,
    )
