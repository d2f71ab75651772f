"""What a scenario.toml must be beyond what each key takes by itself: rules between keys, and the job's script."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.keys import Complaint, Wrong, check, toml_text
from harness.keys.kinds import SETTING
from harness.scenario.job import HANDED_OVER, declared, parse, readable
from harness.scenario.keys import ALSO, ARM, FIX, SCENARIO
from harness.scenario.script import script_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Rule = Callable[[Mapping[str, Any], Path], Iterator[Complaint]]


def complaints(content: Mapping[str, Any], folder: Path) -> list[Complaint]:
    """Return everything that is wrong in a scenario.toml.

    Args:
        content: What stands in it.
        folder: Where it stands, with the job's script.
    """
    found = [*check(content, SCENARIO), *_nested(content)]
    wrong = {complaint.key.partition(".")[0] for complaint in found}
    right = {key: value for key, value in content.items() if key not in wrong}
    for keys, rule in _RULES:
        if not wrong & set(keys):
            found += rule(right, folder)
    order = list(content)
    return sorted(found, key=lambda one: _place(order, one.key.partition(".")[0]))


def _place(order: list[str], key: str) -> int:
    return order.index(key) if key in order else -1


def _nested(content: Mapping[str, Any]) -> Iterator[Complaint]:
    from harness.verdicts.oracles import check_settings  # noqa: PLC0415 - oracles read traces, not scenarios

    for name, arm in _tables(content, "arms"):
        yield from check(arm, ARM, prefix=f"arms.{name}.", others=SETTING)
    for name, fix in _tables(content, "fixes"):
        yield from check(fix, FIX, prefix=f"fixes.{name}.")
        if ("set" in fix) == ("release" in fix):
            allowed = SCENARIO["fixes"].kind.part
            yield _wrong(f"fixes.{name}", fix, allowed.words if allowed else "")
    if isinstance(content.get("also"), dict):
        yield from check(content["also"], ALSO, prefix="also.")
    if isinstance(content.get("oracle"), dict):
        yield from check_settings(content["oracle"], prefix="oracle.")


def _tables(content: Mapping[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    """Return those parts of a table that are tables themselves; of the others it was complained already."""
    table = content.get(key)
    return (
        [(name, item) for name, item in table.items() if isinstance(item, dict)]
        if isinstance(table, dict)
        else []
    )


def _wrong(key: str, value: object, allowed: str) -> Complaint:
    return Complaint(key, str(Wrong(key, value, allowed)))


def _some_arm_by_default(content: Mapping[str, Any], _folder: Path) -> Iterator[Complaint]:
    arms = content.get("arms")
    if arms is not None and not any(arm.get("default", True) for arm in arms.values()):
        yield _wrong("arms", list(arms), "at least one arm without `default = false`")


def _remedies_name_arms(content: Mapping[str, Any], _folder: Path) -> Iterator[Complaint]:
    arms = content.get("arms", {})
    for name, fix in content.get("fixes", {}).items():
        for arm in fix.get("arms", ()):
            if arm not in arms:
                yield _wrong(f"fixes.{name}.arms", arm, f"an arm: {', '.join(arms)}")


def _no_pin_of_the_package(content: Mapping[str, Any], _folder: Path) -> Iterator[Complaint]:
    package = content.get("package", "")
    for pin in content.get("pins", ()):
        if canonicalize_name(Requirement(pin).name) == canonicalize_name(package):
            yield _wrong("pins", pin, f"no pin of {package}, since it is the package under test")


def _another_package(content: Mapping[str, Any], _folder: Path) -> Iterator[Complaint]:
    package, also = content.get("package", ""), content.get("also", {}).get("package")
    if also is not None and canonicalize_name(also) == canonicalize_name(package):
        yield _wrong("also.package", also, f"another package than {package}")


def _job_or_command(content: Mapping[str, Any], _folder: Path) -> Iterator[Complaint]:
    if "job" in content and "command" in content:
        yield Complaint("command", "`job` and `command` exclude each other")


def _script_is_there(content: Mapping[str, Any], folder: Path) -> Iterator[Complaint]:
    if "command" in content:
        try:
            script_of(content["command"], folder)
        except UsageError as error:
            yield Complaint("command", f"command: {error}")
        return
    job = _job(content, folder)
    try:
        parse(job)
    except OSError:
        yield Complaint("job", f"job = {job.name!r}: there is no such file in {job.parent}")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{job}:{line}" if line else str(job)
        yield Complaint("job", f"the job does not parse: {getattr(error, 'msg', error)}", where)


def _end_is_judged(content: Mapping[str, Any], _folder: Path) -> Iterator[Complaint]:
    """Yield what an oracle is told about a script's end where nothing looks at how the script ends."""
    from harness.verdicts.oracles import by_exit_status  # noqa: PLC0415 - oracles read traces, not scenarios

    settings = content.get("oracle", {"kind": "exit-status"})
    if "command" in content or by_exit_status(settings):
        return
    for name in ("bad_when_stdout_matches", "error_matches", "import_errors"):
        if name in settings:
            yield _wrong(
                f"oracle.{name}", settings[name], "`exit_status = true` beside it, else it says nothing"
            )


def _same_as_an_arm(content: Mapping[str, Any], _folder: Path) -> Iterator[Complaint]:
    """Yield an arm that every other one is to be the same as, and that is not there."""
    named, arms = content.get("oracle", {}).get("arm"), content.get("arms", {})
    if content.get("oracle", {}).get("kind") == "same-as" and named not in arms:
        yield _wrong("oracle.arm", named, f"an arm: {', '.join(arms)}")


def _job(content: Mapping[str, Any], folder: Path) -> Path:
    return folder / str(content.get("job", SCENARIO["job"].default))


def _job_takes_settings(content: Mapping[str, Any], folder: Path) -> Iterator[Complaint]:
    """Yield the settings that the job does not know or cannot read, where it declares what it takes."""
    if "command" in content:
        for key, _, value in _job_settings(content):
            yield _wrong(key, value, "no settings of a job, since `command` is run as it is")
        return
    job = _job(content, folder)
    try:
        takes = declared(parse(job))
    except (OSError, SyntaxError, ValueError):
        return  # told by another rule
    for name in HANDED_OVER:
        if takes is not None and name not in takes:
            yield Complaint("job", f"{job.name} declares no setting {name!r}, which every job is handed")
    for key, name, value in _job_settings(content):
        if name in HANDED_OVER:
            yield _wrong(
                key, value, f"no such setting of the job, since the harness hands it {name} by itself"
            )
        elif takes is not None and name not in takes:
            close = difflib.get_close_matches(name, takes, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(takes)}"
            yield _wrong(key, value, f"a setting that {job.name} declares; {hint}")
        elif takes is not None and not readable(value, takes[name]):
            default = toml_text(takes[name])
            yield _wrong(key, value, f"what {job.name} can read in place of its default {default}")


def _job_settings(content: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield dotted key, name and value of every setting that the job may get."""
    tables = {"parameters": content.get("parameters", {})}
    for arm, table in content.get("arms", {}).items():
        tables[f"arms.{arm}"] = {name: value for name, value in table.items() if name not in ARM}
    for fix, table in content.get("fixes", {}).items():
        tables[f"fixes.{fix}.set"] = table.get("set", {})
    for key, table in tables.items():
        for name, value in table.items():
            yield f"{key}.{name}", name, value


_RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (("arms",), _some_arm_by_default),
    (("fixes", "arms"), _remedies_name_arms),
    (("package", "also"), _another_package),
    (("pins", "package"), _no_pin_of_the_package),
    ((), _job_or_command),
    (("job", "command"), _script_is_there),
    (("job", "command"), _job_takes_settings),
    (("oracle", "command"), _end_is_judged),
    (("oracle", "arms"), _same_as_an_arm),
)
"""Each with the keys that must be right by themselves for it to be asked; it sees no other keys that are wrong."""
