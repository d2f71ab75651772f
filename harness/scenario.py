"""A scenario says what to vary and how to judge: a folder with `scenario.toml` and one plain training script."""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.script import command_digest, script_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BUILT_IN = Path(__file__).resolve().parent.parent / "scenarios"

Setting = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Arm:
    """A named set of job settings.

    Attributes:
        parameters: Settings handed to the job, the scenario's common ones included.
        default: Whether it runs when no arm is named.
        seeds: Seeds that it needs at least.
        fixes: Whether it runs too when remedies are asked for and no arm is named.
        instructions: What the recorder is asked beside the scenario's; interventions have some.
        of: Name of the arm that an intervention changes.
    """

    name: str
    parameters: Mapping[str, Setting]
    default: bool = True
    seeds: int = 1
    fixes: bool = False
    instructions: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """A remedy that can be tried.

    Attributes:
        settings: What it changes in the job.
        last_good: It takes the last good release before the one it is tried on, and changes nothing else.
        by: Who recommends it.
        arms: Names of the arms that it is meant for; none: all.
    """

    name: str
    settings: Mapping[str, Setting]
    description: str = ""
    last_good: bool = False
    by: str = ""
    arms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One question that can be put to every release of a package.

    Attributes:
        folder: Where it stands.
        package: The package under test.
        job: The training script; None where `command` runs no script of Python's.
        pins: Requirements that hold in every environment.
        arms: By name, in order.
        oracle: Settings of the oracle, `kind` among them.
        first: Oldest release of the default range; None for the oldest of all.
        last: Newest release of the default range; None for the newest of all.
        python: Specifier that the interpreter must satisfy.
        timeout: Seconds a probe may take.
        threads: CPU threads of a probe.
        seed: Seed of the first run; further seeds count up from it.
        fixes: Remedies, in order.
        command: What is run in place of the job with its settings; none: the job.
        online: Whether probes may use the network.
        variables: Environment variables that probes get besides.
        ad_hoc: It is a command of the command line, run in the user's folder; there is no scenario.toml.
        probes_per_gpu: How many run on one GPU at a time.
        statistics_every: Of how many steps one has statistics of the weights and gradients.
    """

    name: str
    folder: Path
    package: str
    job: Path | None
    pins: tuple[str, ...]
    arms: Mapping[str, Arm]
    oracle: Mapping[str, Setting]
    description: str = ""
    first: str | None = None
    last: str | None = None
    python: str = ">=3.9"
    timeout: float = 600.0
    threads: int = 1
    seed: int = 0
    parameters: Mapping[str, Setting] = field(default_factory=dict)
    fixes: tuple[Fix, ...] = ()
    command: tuple[str, ...] = ()
    online: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    ad_hoc: bool = False
    probes_per_gpu: int = 1
    statistics_every: int = 1

    @property
    def instructions(self) -> dict[str, Any]:
        """What the recorder is asked in every probe; nothing where all is as usual, so that digests stay."""
        return {"statistics_every": self.statistics_every} if self.statistics_every != 1 else {}

    def job_digest(self) -> str:
        """Return a digest of everything that the job may read.

        That is every file of the folder but scenario.toml. Of a command given on the command line, whose folder is
        whatever the user works in, it is the script and what it imports from beside it.
        """
        digest = hashlib.sha256()
        if self.online or self.variables:
            digest.update(json.dumps([self.online, sorted(self.variables.items())]).encode())
        if self.ad_hoc:
            digest.update(command_digest(self.command, self.job).encode())
            return digest.hexdigest()
        if self.command:
            digest.update(json.dumps(self.command).encode())
        for path in self.files():
            relative = path.relative_to(self.folder)
            digest.update(f"{relative.as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def files(self) -> list[Path]:
        """Return everything in the folder that the job may read: all files but scenario.toml."""
        return [
            path
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and path.name != "scenario.toml"
            and "__pycache__" not in path.relative_to(self.folder).parts
        ]

    def ends(self, package: str, first: str | None, last: str | None) -> tuple[str | None, str | None]:
        """Return the ends of a range: those that are given, else the scenario's own if they are of `package`."""
        if package != self.package:
            return first, last
        return first or self.first, last or self.last

    def choose(self, names: Sequence[str] | None, *, fixes: bool = False) -> list[Arm]:
        """Return the named arms, or those that run by default, with `fixes` those for remedies too.

        Raises:
            UsageError: An arm that the scenario does not have.
        """
        for name in names or ():
            if name not in self.arms:
                raise UsageError(f"scenario {self.name} has no arm {name!r}; it has: {', '.join(self.arms)}")
        if names:
            return [self.arms[name] for name in dict.fromkeys(names)]
        return [arm for arm in self.arms.values() if arm.default or (fixes and arm.fixes)]


_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "description": str,
    "package": str,
    "from": str,
    "to": str,
    "python": str,
    "job": str,
    "pins": list,
    "timeout": (int, float),
    "threads": int,
    "seed": int,
    "probes_per_gpu": int,
    "statistics_every": int,
    "parameters": dict,
    "arms": dict,
    "oracle": dict,
    "fixes": dict,
    "command": list,
    "online": bool,
    "variables": dict,
}
_WORDS = {str: "text", list: "a list of texts", dict: "a table", int: "a whole number", bool: "true or false"}


def load_scenario(name: str) -> Scenario:
    """Load a scenario by its name among the built-in ones, or by the path of its folder.

    Raises:
        UsageError: It does not exist, or its file says something that it may not; the message names the key,
            the value and what is allowed.
    """
    folder = _find(name)
    path = folder / "scenario.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    return _Reader(path, content).scenario()


def _find(name: str) -> Path:
    for folder in (Path(name), Path("scenarios") / name, BUILT_IN / name):
        if (folder / "scenario.toml").is_file():
            return folder.resolve()
    known = sorted(
        {path.parent.name for root in (Path("scenarios"), BUILT_IN) for path in root.glob("*/scenario.toml")}
    )
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise UsageError(
        f"no scenario {name!r}{hint} Known: {', '.join(known) or 'none'}; or give the path of a folder with a scenario.toml"
    )


class _Reader:
    """Checks one file's content and builds the scenario; every complaint names file, key and value."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self.path = path
        self.content = content

    def fail(self, key: str, value: object, allowed: str) -> UsageError:
        return UsageError(f"{self.path}: {key} = {value!r}: expected {allowed}")

    def scenario(self) -> Scenario:
        self._check_keys()
        common = self._settings("parameters", self.content.get("parameters", {}))
        command = self._command()
        job = script_of(command, self.path.parent) if command else self._job()
        package = self.content["package"]
        return Scenario(
            name=self.path.parent.name,
            folder=self.path.parent,
            package=canonicalize_name(package),
            job=job,
            pins=self._pins(package),
            arms=self._arms(common),
            oracle=self._oracle(),
            description=self.content.get("description", ""),
            first=self.content.get("from"),
            last=self.content.get("to"),
            python=self._python(),
            timeout=self._positive("timeout", 600.0),
            threads=int(self._positive("threads", 1)),
            seed=self.content.get("seed", 0),
            parameters=common,
            fixes=self._fixes(),
            command=command,
            online=self.content.get("online", False),
            variables=self._variables(),
            probes_per_gpu=int(self._positive("probes_per_gpu", 1)),
            statistics_every=int(self._positive("statistics_every", 1)),
        )

    def _command(self) -> tuple[str, ...]:
        command = self.content.get("command", [])
        if not all(isinstance(word, str) for word in command):
            raise self.fail("command", command, 'a list of words, such as ["python", "repro.py"]')
        if command and "job" in self.content:
            raise UsageError(f"{self.path}: `job` and `command` exclude each other")
        return tuple(command)

    def _variables(self) -> dict[str, str]:
        variables = self.content.get("variables", {})
        for name, value in variables.items():
            if not isinstance(value, str):
                raise self.fail(f"variables.{name}", value, "text")
        return dict(variables)

    def _check_keys(self) -> None:
        for key, value in self.content.items():
            if key not in _KEYS:
                close = difflib.get_close_matches(key, _KEYS, n=1)
                hint = f" (did you mean {close[0]}?)" if close else ""
                raise UsageError(f"{self.path}: unknown key {key!r}{hint}; allowed: {', '.join(_KEYS)}")
            kind = _KEYS[key]
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                raise self.fail(
                    key, value, _WORDS.get(kind, "a number") if isinstance(kind, type) else "a number"
                )
        for key in ("package", "arms", "oracle"):
            if key not in self.content:
                raise UsageError(f"{self.path}: the key {key!r} is missing")

    def _settings(self, key: str, table: Mapping[str, Any]) -> dict[str, Setting]:
        for name, value in table.items():
            if not isinstance(value, str | int | float | bool):
                raise self.fail(f"{key}.{name}", value, "text, a number, true or false")
        return dict(table)

    def _arms(self, common: Mapping[str, Setting]) -> dict[str, Arm]:
        arms = {}
        for name, table in self.content["arms"].items():
            if not isinstance(table, dict):
                raise self.fail(f"arms.{name}", table, "a table of job settings")
            settings = self._settings(f"arms.{name}", table)
            default, fixes = settings.pop("default", True), settings.pop("fixes", False)
            for key, value in (("default", default), ("fixes", fixes)):
                if not isinstance(value, bool):
                    raise self.fail(f"arms.{name}.{key}", value, "true or false")
            seeds = settings.pop("seeds", 1)
            if not isinstance(seeds, int) or isinstance(seeds, bool) or seeds < 1:
                raise self.fail(f"arms.{name}.seeds", seeds, "a whole number above 0")
            arms[name] = Arm(name, {**common, **settings}, bool(default), seeds, bool(fixes))
        if not any(arm.default for arm in arms.values()):
            raise self.fail("arms", list(arms), "at least one arm without `default = false`")
        return arms

    def _fixes(self) -> tuple[Fix, ...]:
        return tuple(self._fix(name, table) for name, table in self.content.get("fixes", {}).items())

    def _fix(self, name: str, table: Any) -> Fix:
        key = f"fixes.{name}"
        if not isinstance(table, dict) or ("set" in table) == ("release" in table):
            raise self.fail(
                key, table, 'a table with either `set`, settings of the job, or `release = "last good"`'
            )
        for field_name, value in table.items():
            kinds = {"set": dict, "release": str, "description": str, "by": str, "arms": list}
            if not isinstance(value, kinds.get(field_name, ())):
                raise self.fail(
                    f"{key}.{field_name}", value, f"one of the keys {', '.join(kinds)}, rightly typed"
                )
        if table.get("release", "last good") != "last good":
            raise self.fail(f"{key}.release", table["release"], '"last good"')
        for arm in table.get("arms", ()):
            if arm not in self.content["arms"]:
                raise self.fail(f"{key}.arms", arm, f"an arm: {', '.join(self.content['arms'])}")
        return Fix(
            name=name,
            settings=self._settings(f"{key}.set", table.get("set", {})),
            description=table.get("description", ""),
            last_good="release" in table,
            by=table.get("by", ""),
            arms=tuple(table.get("arms", ())),
        )

    def _oracle(self) -> dict[str, Setting]:
        from harness.verdicts.oracles import check_settings  # noqa: PLC0415 - oracles read traces, not scenarios

        settings = self._settings("oracle", self.content["oracle"])
        if self.content.get("command"):
            settings.setdefault("exit_status", True)
        complaint = check_settings(settings)
        if complaint:
            raise UsageError(f"{self.path}: oracle: {complaint}")
        return settings

    def _pins(self, package: str) -> tuple[str, ...]:
        pins = self.content.get("pins", [])
        for pin in pins:
            try:
                requirement = Requirement(pin)
            except (InvalidRequirement, TypeError):
                raise self.fail("pins", pin, 'a requirement such as "torch==2.13.0"') from None
            if canonicalize_name(requirement.name) == canonicalize_name(package):
                raise self.fail("pins", pin, f"no pin of {package}, since it is the package under test")
        return tuple(pins)

    def _python(self) -> str:
        value = self.content.get("python", ">=3.9")
        try:
            SpecifierSet(value)
        except InvalidSpecifier:
            raise self.fail("python", value, 'a specifier such as ">=3.10" or "==3.11.*"') from None
        return str(value)

    def _positive(self, key: str, default: float) -> float:
        value = self.content.get(key, default)
        if value <= 0:
            raise self.fail(key, value, "a number above 0")
        return float(value)

    def _job(self) -> Path:
        job = self.path.parent / str(self.content.get("job", "job.py"))
        try:
            ast.parse(job.read_text(encoding="utf-8"), str(job))
        except OSError:
            raise UsageError(
                f"{self.path}: job = {job.name!r}: there is no such file in {job.parent}"
            ) from None
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            where = f"{job}:{line}" if line else str(job)
            raise UsageError(f"{where}: the job does not parse: {getattr(error, 'msg', error)}") from None
        return job
