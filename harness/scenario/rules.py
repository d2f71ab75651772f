"""What a scenario.toml must be beyond what each key takes by itself: rules between keys, and the job's script."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.keys import Complaint, Wrong, check
from harness.keys.kinds import SETTING
from harness.scenario.keys import ARM, FIX, SCENARIO
from harness.script import script_of

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
    for keys, rule in _RULES:
        if not wrong & set(keys):
            found += rule(content, folder)
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


def _job_or_command(content: Mapping[str, Any], _folder: Path) -> Iterator[Complaint]:
    if "job" in content and "command" in content:
        yield Complaint("command", "`job` and `command` exclude each other")


def _script_is_there(content: Mapping[str, Any], folder: Path) -> Iterator[Complaint]:
    if "command" not in content:
        yield from _parses(folder, content.get("job", SCENARIO["job"].default))
        return
    try:
        script_of(content["command"], folder)
    except UsageError as error:
        yield Complaint("command", f"command: {error}")


def _parses(folder: Path, name: str) -> Iterator[Complaint]:
    job = folder / name
    try:
        ast.parse(job.read_text(encoding="utf-8"), str(job))
    except OSError:
        yield Complaint("job", f"job = {name!r}: there is no such file in {job.parent}")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{job}:{line}" if line else str(job)
        yield Complaint("job", f"the job does not parse: {getattr(error, 'msg', error)}", where)


_RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (("arms",), _some_arm_by_default),
    (("fixes", "arms"), _remedies_name_arms),
    (("pins", "package"), _no_pin_of_the_package),
    ((), _job_or_command),
    (("job", "command"), _script_is_there),
)
"""Each with the keys that must be right by themselves for it to be asked."""
