"""Opens a boundary between two releases into commits: an axis of commits, answered by the ordinary search.

Every commit is the package's files at that commit, laid over the environment of one of the releases. The way leads
from the older release's commit back to where both histories meet, and from there to the newer one's by first parents; a
merge that does it is opened into what it merges. Commits that leave the package's files as they are stand for each
other and are not executed twice.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.descent.history import commit as read_commit
from harness.descent.history import first_parents, same_change, way
from harness.releases.release import Release
from harness.report.commits import CommitAnswer, CommitStatus, Place, SkippedCommit
from harness.sessions.alike import alike
from harness.sessions.driver import Driver
from harness.sessions.investigation import Investigation
from harness.sessions.observation import observe
from harness.verdicts.verdict import Verdict
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.descent.history import Commit, Way
    from harness.descent.trees import Trees
    from harness.locks.lock import Lock
    from harness.locks.resolve import Unresolvable
    from harness.scenario import Arm
    from harness.search.boundaries import Boundary
    from harness.sessions.driver import Watcher
    from harness.sessions.session import Session


@dataclass(frozen=True, slots=True)
class Located:
    """A commit that does it.

    Attributes:
        answer: What is reported.
        session: Executes the commit's parent at position 0 and the commit at position 1.
        fixed: The parent is the bad one.
    """

    answer: CommitAnswer
    session: Session
    fixed: bool


@dataclass(frozen=True, slots=True)
class _Step:
    """What a search over an axis came to."""

    boundary: Boundary | None
    skipped: list[SkippedCommit]
    why: str = ""


class CommitSearch:
    """The commits of one boundary.

    Args:
        session: Of the releases of the boundary; its `ends` say what both sides did.
        arm: In which the boundary was found.
        watcher: Is told how it goes on.
        trees: Reads commits of the repository.
        web: Address of the repository's pages.
    """

    def __init__(self, session: Session, arm: Arm, watcher: Watcher, *, trees: Trees, web: str) -> None:
        self.session, self.arm, self.watcher = session, arm, watcher
        self.git, self.trees, self.web = trees.git, trees, web
        self.executions = 0

    def answer(
        self, bare: CommitAnswer, positions: tuple[int, int], *, fixed: bool
    ) -> CommitAnswer | Located:
        """Execute what is needed and return what it shows.

        Args:
            bare: What is known of both releases' commits.
            positions: Of the older and of the newer release.
            fixed: The older one is the bad one.

        Raises:
            NoHistoryError: The history between both cannot be read.
            GitError: git failed.
            HarnessError: As the parts say.
        """
        started = time.monotonic()
        assert bare.older is not None  # noqa: S101 - the caller matched both
        assert bare.newer is not None  # noqa: S101
        found_way = way(self.git, bare.older.commit, bare.newer.commit)
        self.watcher.note(
            f"{counted(len(found_way.down) + len(found_way.up), 'commit')} between {bare.older.release} and {bare.newer.release}"
        )
        tips = (bare.older.commit, bare.newer.commit)
        chosen = self._environment(tips, positions, fixed=fixed)
        found = replace(bare, commits=len(found_way.down) + len(found_way.up))
        if chosen is None:
            status = CommitStatus.DEPENDENCY if bare.moved else CommitStatus.OTHER_END
            result: CommitAnswer | Located = replace(
                found, status=status, detail=self._detail(tips, bare.moved)
            )
        else:
            lock, release = chosen
            result = self._search(replace(found, environment=release), found_way, lock)
        seconds = round(time.monotonic() - started, 1)
        if isinstance(result, Located):
            answer = replace(result.answer, executions=self.executions, seconds=seconds)
            return replace(result, answer=answer)
        return replace(result, executions=self.executions, seconds=seconds)

    def _environment(
        self, tips: tuple[str, str], positions: tuple[int, int], *, fixed: bool
    ) -> tuple[Lock | Unresolvable, str] | None:
        """Return the lock, and its release, in which the files of both releases' commits end as the releases do.

        The bad release's comes first; where another one is needed, or none will do, a dependency that differs does it.
        """
        ends = self.session.ends
        assert ends is not None  # noqa: S101 - the caller gave them
        wanted = (ends.bad, ends.good) if fixed else (ends.good, ends.bad)
        for position in positions if fixed else positions[::-1]:
            session = replace(
                self.session,
                releases=[Release(tip[:10]) for tip in tips],
                locks=[self.session.locks[position]] * 2,
                overlay=lambda place: self.trees.overlay(tips[place]),
                ends=None,
            )
            found = [observe(session, self.arm, place) for place in (0, 1)]
            self.executions += 2
            self._ended = [one.judgement.reason for one in found]
            if all(alike(one, side, to_the_word=True) for one, side in zip(found, wanted, strict=True)):
                return self.session.locks[position], self.session.releases[position].version
        return None

    def _detail(self, tips: tuple[str, str], moved: Sequence[str]) -> str:
        if moved:
            return ", ".join(moved)
        return "; ".join(f"{tip[:10]}: {reason}" for tip, reason in zip(tips, self._ended, strict=True))

    def _axis(self, commits: Sequence[Commit]) -> list[Commit]:
        """Return commits in the order of the way, those with the same files as their neighbour left out."""
        states = self.trees.states([one.name for one in commits])
        places = [place for place, state in enumerate(states) if not place or state != states[place - 1]]
        return [commits[place] for place in places]

    def _search(
        self, bare: CommitAnswer, found_way: Way, lock: Lock | Unresolvable
    ) -> CommitAnswer | Located:
        """Search the way up from the base; where the base ends as the newer release does, the way down to it."""
        up = self._axis([found_way.base, *found_way.up])
        down = self._axis([*found_way.down, found_way.base]) if found_way.down else None
        touching = len(up) - 1 + (len(down) - 1 if down else 0)
        bare = replace(bare, touching=touching)
        if down is not None:
            older, base = self._ends(down, lock)
            if older != base:
                return self._downwards(bare, found_way, down, lock)
        return self._upwards(bare, up, lock)

    def _upwards(
        self, bare: CommitAnswer, axis: list[Commit], lock: Lock | Unresolvable
    ) -> CommitAnswer | Located:
        step = self._step(axis, lock)
        bare = replace(bare, skipped=[*bare.skipped, *step.skipped])
        if step.boundary is None:
            return replace(bare, status=CommitStatus.UNFINISHED, detail=step.why)
        between = axis[step.boundary.before + 1 : step.boundary.after + 1]
        if len(between) > 1:
            return self._several(bare, between)
        culprit = axis[step.boundary.after]
        bare = replace(bare, confirmed=step.boundary.confirmed)
        if len(culprit.parents) > 1:
            return self._inside(bare, culprit, step.boundary, lock)
        return self._located(bare, culprit, step.boundary, lock)

    def _downwards(
        self, bare: CommitAnswer, found_way: Way, axis: list[Commit], lock: Lock | Unresolvable
    ) -> CommitAnswer | Located:
        """Search the older release's own branch: the newer release lacks a commit of it, or has it under another name."""
        step = self._step(axis, lock)
        bare = replace(bare, place=Place.RELEASE_BRANCH, skipped=[*bare.skipped, *step.skipped])
        if step.boundary is None:
            return replace(bare, status=CommitStatus.UNFINISHED, detail=step.why)
        between = axis[step.boundary.before : step.boundary.after]
        if len(between) > 1:
            return self._several(bare, between)
        culprit = axis[step.boundary.before]
        picked = same_change(self.git, culprit, found_way.up)
        if picked is not None:
            # The newer release has the change too: what does it lies behind the place where it was taken in.
            place = list(found_way.up).index(picked)
            rest = self._axis(found_way.up[place:])
            first, last = self._ends(rest, lock)
            if first != last:
                return self._upwards(replace(bare, place=Place.RANGE), rest, lock)
        bare = replace(bare, confirmed=step.boundary.confirmed, picked_as=picked.name if picked else "")
        kind = "fixed" if step.boundary.kind == "regressed" else "regressed"
        upside_down = replace(step.boundary, kind=kind)
        return self._located(replace(bare, missing=kind == "fixed"), culprit, upside_down, lock)

    def _inside(
        self, bare: CommitAnswer, merge: Commit, boundary: Boundary, lock: Lock | Unresolvable
    ) -> CommitAnswer | Located:
        """Search what a merge brought; where neither of its parents does it, the merge itself does."""
        onto, *others = merge.parents
        for other in others:
            merged = first_parents(self.git, onto, other)
            if not merged or not merged[0].parents:
                continue
            axis = self._axis([read_commit(self.git, merged[0].parents[0]), *merged])
            bare = replace(bare, commits=bare.commits + len(merged), touching=bare.touching + len(axis) - 1)
            first, last = self._ends(axis, lock)
            if first != last and Verdict.SKIP not in (first, last):
                within = merge.result(self.web) if bare.within is None else bare.within
                return self._upwards(replace(bare, place=Place.MERGED, within=within), axis, lock)
        return self._located(replace(bare, place=Place.MERGE), merge, boundary, lock)

    def _ends(self, axis: list[Commit], lock: Lock | Unresolvable) -> tuple[Verdict, Verdict]:
        """Execute the first and the last commit of an axis once each and return their verdicts."""
        driver = Driver(self._session(axis, lock), self.watcher)
        last = len(axis) - 1
        driver.execute([(self.arm.name, place, 0) for place in (0, last)])
        self.executions += driver.executed()
        findings = driver.findings[self.arm.name]
        return findings[0][0].verdict, findings[last][0].verdict

    def _step(self, axis: list[Commit], lock: Lock | Unresolvable) -> _Step:
        """Search an axis by the ordinary search."""
        if len(axis) < 2:
            return _Step(None, [], "no commit between changes the package's files")
        investigation = Investigation(Driver(self._session(axis, lock), self.watcher))
        investigation.run()
        self.executions += investigation.driver.executed()
        answer = investigation.answers()[self.arm.name]
        findings = investigation.driver.findings[self.arm.name]
        skipped = [
            SkippedCommit(axis[place].name, one[min(one)].judgement.reason)
            for place, one in sorted(findings.items())
            if all(each.verdict == Verdict.SKIP for each in one.values())
        ]
        whole = [one for one in answer.boundaries if not one.untested]
        return _Step(whole[-1] if whole else None, skipped, answer.conclusion.value)

    def _session(self, axis: list[Commit], lock: Lock | Unresolvable) -> Session:
        """Return what executes the commits of an axis, each a position."""
        names = [one.name for one in axis]
        asked = self.session.asked
        plan = replace(
            asked.question.plan, search="binary", exhaustive=False, assume=(), leave_out=(), find_fix=False
        )
        first, last = names[0][:10], names[-1][:10]
        return replace(
            self.session,
            asked=replace(asked, question=replace(asked.question, plan=plan), first=first, last=last),
            releases=[Release(one.name[:10], one.date) for one in axis],
            locks=[lock] * len(names),
            overlay=lambda place: self.trees.overlay(names[place]),
        )

    def _several(self, bare: CommitAnswer, between: Sequence[Commit]) -> CommitAnswer:
        return replace(
            bare, status=CommitStatus.BETWEEN, candidates=[one.result(self.web) for one in between]
        )

    def _located(
        self, bare: CommitAnswer, culprit: Commit, boundary: Boundary, lock: Lock | Unresolvable
    ) -> Located:
        """Return the answer with its commit, and what executes it beside its parent."""
        parent = read_commit(self.git, culprit.parents[0])
        answer = replace(
            bare,
            status=CommitStatus.FOUND,
            culprit=culprit.result(self.web),
            parent=parent.result(self.web),
        )
        session = self._session([parent, culprit], lock)
        return Located(answer, session, fixed=boundary.kind == "fixed")
