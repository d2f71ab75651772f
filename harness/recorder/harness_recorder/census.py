"""What a model consists of before training, under names that are the same in every release."""

from __future__ import annotations

from typing import Any

from .attributes import attributes
from .names import canonical


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


def census(model: Any, optimizer: Any, *, own_start: bool = False) -> dict[str, Any]:
    """Return the fields of the `census` event but for `configs`.

    Args:
        model: A torch module.
        optimizer: What trains it, or None.
        own_start: Describe each parameter's start values too, since they are the release's own.
    """
    return {
        "parameters": [
            {
                "name": name,
                "raw": raw,
                **_kind(parameter),
                "trainable": parameter.requires_grad,
                **({"start": _start(parameter)} if own_start else {}),
            }
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
        "attributes": attributes(model),
        "optimizer": None if optimizer is None else {"class": type(optimizer).__name__, **optimizer.defaults},
    }


def _kind(tensor: Any) -> dict[str, Any]:
    return {"dtype": str(tensor.dtype).replace("torch.", ""), "shape": list(tensor.shape)}


def _start(parameter: Any) -> list[float]:
    """Return mean and standard deviation (divided by n)."""
    values = parameter.detach().double()
    return [float(values.mean()), float(values.std(unbiased=False))]
