"""What differs between two models before any training, in groups: one group a kind of change, not a line a parameter.

Each group can say itself in one line, and where that is possible it can be given to the other release.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ORDER = ("dtype", "trainable", "start", "attribute", "config", "optimizer", "buffer")
"""Properties that can be transplanted, the likelier causes first."""

_WORDS = {"start": "start values (mean, deviation)", "buffer": "buffer dtype", "class": "module class"}
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Group:
    """One kind of change.

    Attributes:
        kind: One of `ORDER`, or `shape`, `class`, `new`, `gone`, which cannot be transplanted.
        key: Path of the attribute, or name of the setting; else empty.
        before, after: The property on either side; None where it is not there.
        names: Of parameters, buffers or modules, as patterns that match them and nothing else of their kind.
        count: How many parameters, buffers, modules or settings it concerns.
        trained: Whether any of them is trained on either side.
    """

    kind: str
    key: str
    before: Any
    after: Any
    names: tuple[str, ...]
    count: int
    trained: bool = False

    @property
    def transplantable(self) -> bool:
        """Whether each side has a value that can be given to the other one."""
        return self.kind in ORDER and self.before is not None and self.after is not None

    def given(self, value: Any) -> dict[str, Any]:
        """Return the instruction that gives a release this property with a value."""
        return {"property": self.kind, "key": self.key, "names": list(self.names), "value": value}

    def __str__(self) -> str:
        """Say it in one line: `8 parameters: dtype float32 -> float16 (q_proj.lora_A, v_proj.lora_A, …)`."""
        names = [name or "the model itself" for name in brief(self.names)]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        where = f" ({', '.join(names[:_SHOWN])}{more})" if names else ""
        if self.kind in {"new", "gone"}:
            return f"{self._counted()} {self.kind}{where}"
        said = f"{_say(self.kind, self.before)} -> {_say(self.kind, self.after)}"
        if self.kind in {"config", "optimizer"}:
            return f"{self.kind}: {self.key} {said}"
        name = "" if self.kind == "trainable" else f"{self.key or _WORDS.get(self.kind, self.kind)} "
        return f"{self._counted()}: {name}{said}{where}"

    def _counted(self) -> str:
        noun = {"attribute": "module", "class": "module", "buffer": "buffer"}.get(self.kind, "parameter")
        return counted(self.count, noun)


def groups(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Group]:
    """Return all differences of two censuses, the likelier causes first.

    Args:
        before: The `census` event of the older release.
        after: That of the newer one.
    """
    found = [
        *_parameters(before["parameters"], after["parameters"]),
        *_buffers(before.get("buffers", []), after.get("buffers", [])),
        *_attributes(before, after),
        *_settings("config", _configs(before), _configs(after)),
        *_settings("optimizer", before.get("optimizer") or {}, after.get("optimizer") or {}),
        *_classes(before.get("modules", []), after.get("modules", [])),
    ]
    return sorted(found, key=_likelihood)


def pattern(name: str) -> str:
    """Return a canonical name with every layer's number as `*`."""
    return re.sub(r"(?<=\.)\d+(?=\.|$)", "*", name)


def patterns(names: Sequence[str], others: Iterable[str]) -> tuple[str, ...]:
    """Return patterns that match all of `names` and none of `others`; a name itself where no pattern does."""
    foreign = set(others) - set(names)
    chosen = []
    for name in names:
        wide = pattern(name)
        chosen.append(name if any(fnmatchcase(other, wide) for other in foreign) else wide)
    return tuple(dict.fromkeys(chosen))


def brief(names: Sequence[str]) -> list[str]:
    """Return dotted names without the parts that all of them begin and end with; one name as its last three."""
    parts = [name.split(".") for name in names]
    if len(parts) < 2:
        return [".".join(one[-3:]) for one in parts]
    shortest = min(map(len, parts)) - 1
    head = next((place for place in range(shortest) if len({one[place] for one in parts}) > 1), shortest)
    room = shortest - head
    tail = next((place for place in range(room) if len({one[-1 - place] for one in parts}) > 1), room)
    return [".".join(one[head : len(one) - tail]) for one in parts]


def _likelihood(group: Group) -> tuple[bool, bool, int, int]:
    place = ORDER.index(group.kind) if group.kind in ORDER else len(ORDER)
    return not group.transplantable, not group.trained, place, -group.count


def _parameters(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterator[Group]:
    old, new = ({item["name"]: item for item in side} for side in (before, after))
    changes: dict[tuple[str, str], list[str]] = defaultdict(list)
    values: dict[tuple[str, str], tuple[Any, Any]] = {}
    for name in [*new, *(name for name in old if name not in new)]:
        for kind, one, other in _changes(old.get(name), new.get(name)):
            key = (kind, repr((one, other)))
            changes[key].append(name)
            values[key] = (one, other)
    everything = old.keys() | new.keys()
    for key, names in changes.items():
        trained = any(side.get(name, {}).get("trainable") for side in (old, new) for name in names)
        yield Group(key[0], "", *values[key], patterns(names, everything), len(names), trained)


def _changes(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[tuple[str, Any, Any]]:
    if old is None or new is None:
        yield ("new" if old is None else "gone"), None, None
        return
    for kind in ("dtype", "shape", "trainable", "start"):
        if old.get(kind) != new.get(kind):
            yield kind, old.get(kind), new.get(kind)


def _buffers(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterator[Group]:
    old, new = ({item["name"]: item["dtype"] for item in side} for side in (before, after))
    changes: dict[tuple[Any, Any], list[str]] = defaultdict(list)
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            changes[old.get(name), new.get(name)].append(name)
    for (one, other), names in changes.items():
        yield Group("buffer", "", one, other, patterns(names, old.keys() | new.keys()), len(names))


def _attributes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Group]:
    """Yield attributes that have one value on each side; those of one side alone only tell of its code."""
    old, new = (
        {(item["module"], item["path"]): item["values"] for item in side.get("attributes", [])}
        for side in (before, after)
    )
    trained = [pattern(item["name"]) for item in after["parameters"] if item["trainable"]]
    changes: dict[tuple[str, str], list[str]] = defaultdict(list)
    values: dict[tuple[str, str], tuple[Any, Any]] = {}
    for place in new:
        one, other = old.get(place), new[place]
        if one is not None and one != other and len(one) == len(other) == 1:
            key = (place[1], repr((one, other)))
            changes[key].append(place[0])
            values[key] = (one[0], other[0])
    for key, modules in changes.items():
        near = any(name.startswith(f"{module}.") for name in trained for module in modules)
        yield Group("attribute", key[0], *values[key], tuple(modules), len(modules), near)


def _settings(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Group]:
    """Yield settings that both sides know and give another value."""
    for key in sorted(old.keys() & new.keys()):
        if old[key] != new[key]:
            yield Group(kind, key, old[key], new[key], (), 1)


def _configs(census: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for config in census.get("configs", []) for key, value in config["values"].items()}


def _classes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterator[Group]:
    """Yield modules of another class; of those that share a canonical name, the outermost counts."""
    old, new = ({item["name"]: item["class"] for item in reversed(side)} for side in (before, after))
    changes: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in new:
        if name in old and old[name] != new[name]:
            changes[old[name], new[name]].append(name)
    for (one, other), names in changes.items():
        yield Group("class", "", one, other, patterns(names, ()), len(names))


def _say(kind: str, value: Any) -> str:
    if kind == "trainable":
        return "trained" if value else "frozen"
    if kind == "start":
        return f"{value[0]:.3g}, {value[1]:.3g}" if value else "not told"
    return "nothing" if value is None else str(value)
