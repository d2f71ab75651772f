"""What a run keeps of its job: the scenario's files, or the script and the modules beside it that it imports.

So a run can be judged, drawn and repeated when its scenario has moved, has changed or is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.files import write_atomic
from harness.model.codec import from_plain
from harness.model.question import Question, Subject
from harness.probes.store import sha256
from harness.scenario.script import command_sources
from harness.sessions.subject import load_subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.model import Report
    from harness.scenario import Scenario

FOLDER = "job"
"""Folder of a run that holds the files."""
LARGEST = 20_000_000
"""Bytes of all files together that a run keeps; larger ones than fit are named and left out."""


@dataclass(frozen=True, slots=True)
class KeptJob:
    """The files of a job.

    Attributes:
        name: Of the scenario.
        digest: Of all that the job may read.
        files: {path in the folder `job`: where the file stands}.
        left_out: Paths of the files that are too large to be kept.
    """

    name: str
    digest: str
    files: Mapping[str, Path]
    left_out: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return what the report says of them."""
        sums = {name: sha256(path) for name, path in self.files.items()}
        return {"name": self.name, "digest": self.digest, "files": sums, "left_out": list(self.left_out)}

    def write(self, folder: Path) -> None:
        """Copy them into the folder of a run."""
        for name, path in self.files.items():
            write_atomic(folder / FOLDER / name, path.read_bytes())


def keep_job(scenario: Scenario) -> KeptJob:
    """Return the files of a scenario's job, the smallest ones first where not all of them fit."""
    found = _files(scenario)
    kept: dict[str, Path] = {}
    left, room = [], LARGEST
    for name, path in sorted(found.items(), key=lambda item: item[1].stat().st_size):
        size = path.stat().st_size
        if size > room:
            left.append(name)
            continue
        room -= size
        kept[name] = path
    return KeptJob(scenario.name, scenario.job_digest(), dict(sorted(kept.items())), tuple(sorted(left)))


def _files(scenario: Scenario) -> dict[str, Path]:
    if not scenario.ad_hoc:
        own = [scenario.folder / "scenario.toml", *scenario.files()]
        return {f"{scenario.name}/{path.relative_to(scenario.folder).as_posix()}": path for path in own}
    folder = scenario.job.parent if scenario.job else scenario.folder.resolve()
    found = command_sources(scenario.command, scenario.job, folder)
    return {path.relative_to(folder).as_posix(): path for path in found if path.is_relative_to(folder)}


@dataclass(frozen=True, slots=True)
class Present:
    """What stands now where a run found its job.

    Attributes:
        scenario: As it is now; None if it cannot be read, and `why` says why not.
        same_job: Whether a probe would execute what the run executed.
        why: What a reader must know if it is another job or none.
    """

    scenario: Scenario | None
    same_job: bool
    why: str = ""


def present(report: Report) -> Present:
    """Look for a run's job where the question names it."""
    if not report.question:
        return Present(
            None, same_job=False, why="the run was written by an older harness and keeps no question"
        )
    question = from_plain(Question, report.question)
    try:
        scenario = load_subject(replace(question, subject=replace(question.subject, bundle="")))
    except UsageError as error:
        return Present(None, same_job=False, why=f"its job is not where the run found it: {error}")
    if scenario.job_digest() != report.job["digest"]:
        return Present(
            scenario, same_job=False, why=f"{scenario.name} has another job now than the run executed"
        )
    return Present(scenario, same_job=True)


def question_of(report: Report, folder: Path) -> Question | None:
    """Return a run's question, about the files that it keeps if its job is not there any more.

    Args:
        report: Of the run.
        folder: Of the run.
    """
    if not report.question:
        return None
    question = from_plain(Question, report.question)
    if question.subject.bundle or present(report).same_job:
        return question
    kept = folder / FOLDER
    here = kept.relative_to(Path.cwd()) if kept.is_relative_to(Path.cwd()) else kept
    if question.subject.command:
        program, script, *words = question.subject.command
        if not (kept / Path(script).name).is_file():
            return question
        return replace(question, subject=Subject(command=(program, str(here / Path(script).name), *words)))
    if not (kept / report.job["name"] / "scenario.toml").is_file():
        return question
    return replace(question, subject=Subject(scenario=str(here / report.job["name"])))
