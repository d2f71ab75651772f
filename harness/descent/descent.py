"""One boundary on its way from its releases to a commit, and from there to its lines and hunks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.cause.bench import Bench
from harness.cause.lines import lines
from harness.cause.transplant import Pair
from harness.descent.commits import CommitSearch, Located
from harness.descent.history import NoHistoryError
from harness.descent.mixtures import Mixtures, Sides
from harness.descent.opening import Opening
from harness.descent.releases import UnmatchedError, match
from harness.descent.repository import NoRepositoryError, named_repository, open_repository, web_address
from harness.descent.trees import Builder, Trees, compiled
from harness.errors import ToolMissingError, UsageError
from harness.git import GitError
from harness.locks.lock import Lock, differences
from harness.report.commits import CommitAnswer, CommitStatus
from harness.report.hunks import HunkAnswer
from harness.report.lines import deepest_line
from harness.sessions.alike import Ends
from harness.sessions.calibrate import calibrate
from harness.sessions.driver import Driver
from harness.sessions.installed import environment_of, files_of, site_of
from harness.sessions.observation import observe
from harness.sessions.overlay import Overlay
from harness.verdicts.oracles import interleaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from harness.descent.patch import Patch
    from harness.report.attribution import CauseResult, LineResult
    from harness.report.model import ArmResult, BoundaryResult, Report
    from harness.scenario import Arm
    from harness.sessions.driver import Watcher
    from harness.sessions.overlay import Tree
    from harness.sessions.session import Session

LIKELIEST = 1000.0
"""Suspicion of a line that set the property of the cause, or that is the deepest one of a traceback."""
CALLER = 20.0
"""Suspicion of a line that led to it."""

Lines = dict[tuple[str, int], float]
"""{(file, line): how suspicious it is}."""


@dataclass(slots=True)
class Descent:
    """One boundary.

    Attributes:
        session: Of its releases, the older one first.
        arm: In which it was found; `result` is what the run says of it.
        report: The run's, with what it knows of causes.
        patch: What every candidate gets.
    """

    session: Session
    watcher: Watcher
    arm: Arm
    result: ArmResult
    boundary: BoundaryResult
    report: Report
    patch: Patch | None = None

    @property
    def overlays(self) -> Path:
        """Folder for the overlays."""
        return self.session.environments.state.root / "overlays"

    @property
    def fixed(self) -> bool:
        """Whether the older release is the bad one."""
        return self.boundary.kind == "fixed"

    @property
    def causes(self) -> list[CauseResult]:
        """What the run found as causes of the boundary in its arm."""
        place = (self.result.name, self.boundary.before, self.boundary.after)
        return [one for one in self.report.cause if (one.arm, one.before, one.after) == place]

    def open(self, source: str) -> tuple[CommitAnswer, HunkAnswer]:
        """Return which commit does it, and which hunks: of that commit, else of all between both releases."""
        session, newer = self.session, len(self.session.releases) - 1
        calibrate(session, self.arm)
        if interleaves(session.asked.scenario.oracle, session.calibrations.get(self.arm.name)):
            raise UsageError(
                f"arm {self.arm.name} is judged by what the machine does, release beside release: no mixture of files "
                "can be judged so; name what is measured by --expect, and bisect again"
            )
        trees = [files_of(session, position) for position in (0, newer)]
        sides = [
            [observe(session, self.arm, position, repeat) for repeat in (0, 1)] for position in (0, newer)
        ]
        ends = Ends(*(sides[::-1] if self.fixed else sides))
        opened = replace(session, ends=ends)
        found = self._commit(opened, trees, source)
        if not isinstance(found, Located):
            before, after = self._suspicions()
            between = Sides(
                good=newer if self.fixed else 0,
                bad=0 if self.fixed else newer,
                older=self._patched(trees[0]),
                newer=self._patched(trees[1]),
                fixed=self.fixed,
                before_lines=before,
                after_lines=after,
            )
            return found, self._hunks(session, between, ends)
        return self._within(found, ends)

    def _commit(self, session: Session, releases: Sequence[Tree], source: str) -> CommitAnswer | Located:
        """Return the commit, or what is in the way."""
        positions = (0, len(session.releases) - 1)
        site = site_of(session, positions[-1])
        try:
            git = open_repository(source, site, session.asked.package, session.environments.state)
        except (NoRepositoryError, ToolMissingError) as error:
            return CommitAnswer(CommitStatus.NO_REPOSITORY, str(error))
        bare = CommitAnswer(
            CommitStatus.UNFINISHED,
            source=git.source,
            moved=_moved(session, positions),
        )
        try:
            older, newer = (
                match(git, session.releases[place].version, tree, session.releases[place].uploaded)
                for place, tree in zip(positions, releases, strict=True)
            )
            results = (older.result, newer.result)
            kept = {
                name: tree[name]
                for one, tree in zip(results, releases, strict=True)
                for name in one.generated
            }
            rewritten = set(results[0].differing) & set(results[1].differing)
            bad = releases[0 if self.fixed else 1]
            kept |= {name: bad[name] for name in rewritten if name in bad}
            python = environment_of(session, positions[-1])
            builder = Builder(git, session.environments.uv, python, results[1].release)
            trees = Trees(
                git,
                [older.places, newer.places],
                kept,
                rewritten,
                overlays=self.overlays,
                package=session.asked.package,
                builder=builder if compiled(kept) else None,
                patched=self._patched,
            )
            web = web_address(git) or named_repository(site, session.asked.package)
            search = CommitSearch(session, self.arm, self.watcher, trees=trees, web=web)
            bare = replace(bare, older=results[0], newer=results[1])
            return self._with_patch(search.answer(bare, positions, fixed=self.fixed))
        except UnmatchedError as error:
            return replace(bare, status=CommitStatus.UNMATCHED, detail=str(error))
        except (NoHistoryError, GitError) as error:
            return replace(bare, status=CommitStatus.NO_HISTORY, detail=str(error))

    def _with_patch(self, found: CommitAnswer | Located) -> CommitAnswer | Located:
        """Return an answer that says to how many commits the patch was applied."""
        if self.patch is None:
            return found
        name, count = self.patch.path.name, self.patch.count
        if isinstance(found, Located):
            return replace(found, answer=replace(found.answer, patch=name, patched=count))
        return replace(found, patch=name, patched=count)

    def _patched(self, tree: Tree) -> Tree:
        """Return files of the package with the patch, where there is one and it applies."""
        return self.patch.applied(tree) if self.patch else tree

    def _within(self, found: Located, ends: Ends) -> tuple[CommitAnswer, HunkAnswer]:
        """Return the answer with the lines that set the property in the commit, and the commit's hunks."""
        session = found.session
        origins = self._lines(found)
        laid = [session.overlay(place) if session.overlay else None for place in (0, 1)]
        trees = [one.tree() for one in laid if isinstance(one, Overlay)]
        if len(trees) < 2:  # they were there a moment ago
            return found.answer, HunkAnswer("end-untestable", found.answer.environment, 0, 0, 0, None)
        raised = [observe(session, self.arm, place).seeds()[0].trace.error for place in (0, 1)]
        before, after = _by_side(origins)
        for known, error in zip((before, after), raised, strict=True):
            if line := deepest_line(error, session.asked.package):
                known[line.file, line.line] = LIKELIEST
        sides = Sides(
            good=1 if found.fixed else 0,
            bad=0 if found.fixed else 1,
            older=trees[0],
            newer=trees[1],
            fixed=found.fixed,
            before_lines=before,
            after_lines=after,
        )
        answer = self._hunks(replace(session, ends=None), sides, ends)
        commit = found.answer.culprit.commit if found.answer.culprit else ""
        changed = sorted(
            name for name in trees[0].keys() | trees[1].keys() if trees[0].get(name) != trees[1].get(name)
        )
        answer = replace(answer, commit=commit, environment=found.answer.environment)
        return replace(found.answer, lines=origins, files=changed), answer

    def _lines(self, found: Located) -> list[LineResult]:
        """Return the lines that set the property of the boundary's cause, in the commit and in its parent."""
        causes = self.causes
        if not causes:
            return []
        session = replace(found.session, ends=None)
        sides = [observe(session, self.arm, position) for position in (0, 1)]
        pair = Pair(self.arm, 0, 1, sides[0], sides[1], good_is_older=not found.fixed, by_verdict=True)
        bench = Bench(session, self.watcher, Driver(session, self.watcher).jobs)
        return lines(pair, causes[0].attempts, causes[0].differences, bench)

    def _hunks(self, session: Session, sides: Sides, ends: Ends) -> HunkAnswer:
        jobs = Driver(session, self.watcher).jobs
        mixtures = Mixtures(
            session, self.arm, sides, self.overlays, ends=ends, jobs=jobs, note=self.watcher.note
        )
        return Opening(mixtures).answer()

    def _suspicions(self) -> tuple[Lines, Lines]:
        """Return how suspicious the lines of both releases are, by what the run knows of the cause."""
        before, after = _by_side(line for cause in self.causes for line in cause.lines)
        for function in (one for cause in self.causes if cause.profile for one in cause.profile.functions):
            for lines_of, side in ((before, function.before), (after, function.after)):
                if side is not None and function.share > 0:
                    lines_of[function.file, side.top or side.line] = LIKELIEST
        for release in self.result.releases:
            known = {self.boundary.before: before, self.boundary.after: after}.get(release.version)
            if known is not None and release.raised_at:
                known[release.raised_at.file, release.raised_at.line] = LIKELIEST
        return before, after


def _by_side(origins: Iterable[LineResult]) -> tuple[Lines, Lines]:
    """Return how suspicious lines are, on the older and on the newer side."""
    known: dict[str, Lines] = {"before": {}, "after": {}}
    several = list(origins)
    for line in several:
        for caller in line.stack:
            known[line.side][caller.file, caller.line] = CALLER
    for line in several:
        if line.code and line.last:
            known[line.side][line.code.file, line.code.line] = LIKELIEST
    return known["before"], known["after"]


def _moved(session: Session, positions: tuple[int, int]) -> list[str]:
    """Return the dependencies that differ between the locks of two releases, a line each."""
    older, newer = (session.locks[place] for place in positions)
    if not isinstance(older, Lock) or not isinstance(newer, Lock):
        return []
    return [str(one) for one in differences(older, newer) if one.name != session.asked.package]
