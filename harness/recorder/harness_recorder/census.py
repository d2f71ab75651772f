"""What a model consists of before training, under names that are the same in every release.

A release of PEFT decides where it hangs the base model and its adapters, so one weight has several names:
`base_model.model.model.layers.0.self_attn.q_proj.weight` became `…q_proj.base_layer.weight` in 0.7.0. Canonical
names leave out what only says where a wrapper keeps its things.
"""

from __future__ import annotations

import re
from typing import Any

_PREFIX = re.compile(r"^base_model\.model\.")
_WRAPPERS = re.compile(r"\.(base_layer|modules_to_save|default)(?=\.|$)")


def canonical(raw: str) -> str:
    """Return the canonical name of a parameter, buffer or module.

    `score.original_module`, the untouched copy that PEFT keeps beside the trained one, stays a name of its own.
    """
    return _WRAPPERS.sub("", _PREFIX.sub("", raw))


def parameters_of(model: Any) -> dict[str, tuple[str, Any]]:
    """Return {canonical name: (name in this release, parameter)} in the order of canonical names.

    Raises:
        ValueError: Two parameters share a canonical name.
    """
    found: dict[str, tuple[str, Any]] = {}
    for raw, parameter in model.named_parameters():
        name = canonical(raw)
        if name in found:
            raise ValueError(f"two parameters have the canonical name {name}: {found[name][0]} and {raw}")
        found[name] = (raw, parameter)
    return dict(sorted(found.items()))


def census(model: Any, optimizer: Any) -> dict[str, Any]:
    """Return the fields of the `census` event: parameters, buffers, modules and the optimizer's settings."""
    return {
        "parameters": [
            {"name": name, "raw": raw, **_kind(parameter), "trainable": parameter.requires_grad}
            for name, (raw, parameter) in parameters_of(model).items()
        ],
        "buffers": sorted(
            ({"name": canonical(raw), **_kind(buffer)} for raw, buffer in model.named_buffers()),
            key=lambda buffer: buffer["name"],
        ),
        "modules": [
            {"name": canonical(raw), "raw": raw, "class": type(module).__name__}
            for raw, module in model.named_modules()
        ],
        "optimizer": None if optimizer is None else {"class": type(optimizer).__name__, **optimizer.defaults},
    }


def _kind(tensor: Any) -> dict[str, Any]:
    return {"dtype": str(tensor.dtype).replace("torch.", ""), "shape": list(tensor.shape)}
