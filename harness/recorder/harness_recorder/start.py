"""Identical start values for every release, and the digests that prove it.

The same random seed gives different adapters in different releases, so values are not drawn but derived from
the seed and the canonical name alone: the bytes of SHAKE-256, taken as whole numbers from -128 to 127 times a
power of two. They are exact in float16, bfloat16 and float32.
"""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from typing import Any, Sequence

from .census import parameters_of


def inject(model: Any, seed: int, *, names: Sequence[str] = ("*",)) -> str:
    """Give the model's parameters the values that belong to their canonical names; return the digest to expect.

    Matrices lie within ±1/sqrt(fan-in), vectors are 1 (biases 0) and LoRA's B is 0.

    Args:
        model: Its dtypes and devices are kept.
        seed: Another seed gives other matrices.
        names: Patterns (as of `fnmatch`) of the canonical names to inject; the others, such as the weights of a
            real checkpoint, are left alone.
    """
    import torch

    expected = {}
    with torch.no_grad():
        for name, (_, parameter) in parameters_of(model).items():
            if any(fnmatchcase(name, pattern) for pattern in names):
                expected[name] = _values(name, parameter.shape, seed).to(parameter.device)
                if hasattr(parameter, "to_local"):
                    raise ValueError(f"{name} is in shards already: prepare the model before it is sharded")
                parameter.copy_(expected[name])
            else:
                expected[name] = parameter
        return digest(expected)


def start_digest(model: Any) -> str:
    """Return the digest of all canonical names, shapes and values as float32: equal starts have equal digests."""
    return digest({name: parameter for name, (_, parameter) in parameters_of(model).items()})


def digest(value: Any) -> str:
    """Return a digest of numbers, text, tensors, and of lists, tuples and dictionaries of them.

    Floating point tensors count as float32, whatever their dtype; no tensor's device matters.
    """
    import hashlib  # slow to load

    return hashlib.sha256(repr(_plain(value)).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return [(str(key), _plain(item)) for key, item in sorted(value.items())]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "requires_grad"):  # a tensor, so torch is there
        from .bits import checksums

        return list(value.shape), checksums(value)
    return value


def _values(name: str, shape: Any, seed: int) -> Any:
    """Return float32 of `shape`, on the CPU."""
    import hashlib

    import torch

    if ".lora_B" in name or name.endswith("bias"):
        return torch.zeros(shape)
    if len(shape) < 2:
        return torch.ones(shape)
    raw = bytearray(hashlib.shake_256(f"{seed}:{name}".encode()).digest(math.prod(shape)))
    whole = torch.frombuffer(raw, dtype=torch.uint8).reshape(shape).float() - 128
    return whole * 2.0 ** -(7 + round(math.log2(math.prod(shape[1:])) / 2))
