"""The JSON schema of scenario.toml, for editors: made from the keys, so it allows what the reader allows.

It is draft 7, which Even Better TOML and taplo understand. What JSON Schema cannot say (that a requirement can be
parsed, that an arm runs by default, that the job's script is there) is left to `harness validate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.files import to_json
from harness.keys.kinds import SETTING
from harness.scenario.keys import ALSO, ARM, FIX, SCENARIO
from harness.verdicts.oracles import ORACLES, options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.keys import Key, Kind

FILE = "scenario.schema.json"


def json_schema() -> dict[str, Any]:
    """Return the schema of a whole scenario.toml."""
    schema = _object(SCENARIO)
    inside = schema["properties"]
    inside["arms"] |= {"minProperties": 1, "additionalProperties": _object(ARM, others=SETTING)}
    inside["also"] |= _object(ALSO)
    inside["fixes"]["additionalProperties"] = {
        **_object(FIX),
        "oneOf": [{"required": ["set"]}, {"required": ["release"]}],
    }
    inside["oracle"]["oneOf"] = [_oracle(kind) for kind in ORACLES]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "scenario.toml",
        "description": "What a training harness varies over the releases of a package, and how it judges",
        **schema,
        "not": {"required": ["job", "command"]},
    }


def schema_text() -> str:
    """Return the schema as the text of its file."""
    return to_json(json_schema(), indent=2)


def _object(keys: Mapping[str, Key], *, others: Kind | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _value(key) for name, key in keys.items()},
        "additionalProperties": dict(others.schema) if others else False,
    }
    required = [name for name, key in keys.items() if key.required]
    return {**schema, "required": required} if required else schema


def _value(key: Key) -> dict[str, Any]:
    schema = {**key.kind.schema, "description": key.meaning}
    if key.default is not None:
        schema["default"] = key.default
    if key.example is not None:
        schema["examples"] = [key.example]
    return schema


def _oracle(kind: str) -> dict[str, Any]:
    """Return the branch of one oracle, in which `kind` has no other value."""
    schema = _object(options(kind))
    schema["properties"]["kind"] = {"const": kind, "description": ORACLES[kind].meaning}
    return {"title": kind, **schema}
