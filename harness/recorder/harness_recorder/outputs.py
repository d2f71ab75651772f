"""Any value that a job hands over, in a form that two releases can be compared by: digest, figures, and the values.

Structures are taken apart into leaves: `{"logits": [a, b]}` under the name `eval` becomes `eval.logits.0` and
`eval.logits.1`. A list of plain numbers is one leaf, a vector.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, Iterator, Sequence

MOST_VALUES = 4096
"""Values of a leaf that are kept; of a larger one every n-th."""
_LONGEST_TEXT = 8192
_MOST_LEAVES = 1000
_FIGURES = ("nan", "inf", "min", "max", "mean", "norm")


def leaves(name: str, value: Any) -> Iterator[dict[str, Any]]:
    """Yield the fields of an `output` event for each leaf of a value.

    Beyond a thousand leaves, all that is left is one more leaf, of which only the digest is known.

    Raises:
        TypeError: A leaf is no tensor, array, number or text.
    """
    rest = None
    for count, (path, leaf) in enumerate(_flat(name, value)):
        described = {"name": path, **_describe(path, leaf)}
        if count < _MOST_LEAVES:
            yield described
        else:
            rest = rest or hashlib.sha256()
            rest.update((path + described["digest"]).encode())
    if rest is not None:
        yield {"name": name + " (rest)", "dtype": "rest", "shape": [], "digest": rest.hexdigest()}


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (dict, list, tuple, set, frozenset)) and not value:
        yield name, "(empty)"
    elif hasattr(value, "items") and not hasattr(value, "dtype"):
        for key, item in value.items():
            yield from _flat("%s.%s" % (name, key), item)
    elif isinstance(value, (set, frozenset)):
        yield from _flat(name, sorted(map(str, value)))
    elif isinstance(value, (list, tuple)) and not all(map(_is_number, value)):
        for index, item in enumerate(value):
            yield from _flat("%s.%d" % (name, index), item)
    else:
        yield name, value


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _describe(name: str, value: Any) -> dict[str, Any]:
    """Return `dtype`, `shape` and `digest`; of numbers `every`, `values` and the figures, of a text `text`."""
    if value is None or isinstance(value, str):
        return _text(str(value))
    if isinstance(value, (bytes, bytearray)):
        return {"dtype": "bytes", "shape": [len(value)], "digest": hashlib.sha256(value).hexdigest()}
    if hasattr(value, "detach"):
        return _tensor(value)
    if hasattr(value, "tobytes") and hasattr(value, "dtype") and value.dtype.kind in "biufc":
        return _array(value)  # before plain numbers: NumPy's float64 is a float, too
    if _is_number(value):
        return _plain([value], [])
    if isinstance(value, (list, tuple)):
        return _plain(value, [len(value)])
    raise TypeError(
        "output %r: a %s cannot be kept; hand over a tensor, an array, a number, a text, or lists and "
        "dictionaries of them" % (name, type(value).__name__)
    )


def _text(text: str) -> dict[str, Any]:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return {"dtype": "text", "shape": [len(text)], "digest": digest, "text": text[:_LONGEST_TEXT]}


def _plain(numbers: Sequence[Any], shape: list[int]) -> dict[str, Any]:
    whole = all(isinstance(number, int) for number in numbers)
    dtype = ("bool" if all(isinstance(number, bool) for number in numbers) else "int") if whole else "float"
    values = (
        [float(number) for number in numbers] if dtype == "float" else [int(number) for number in numbers]
    )
    finite = [value for value in values if math.isfinite(value)]
    figures = (
        sum(map(math.isnan, values)),
        sum(abs(value) == math.inf for value in values),
        *((min(finite), max(finite), math.fsum(finite) / len(finite)) if finite else (None, None, None)),
        math.sqrt(math.fsum(value * value for value in finite)),
    )
    return _numbers(dtype, shape, repr(values).encode(), values[:: every(len(values))], figures)


def _tensor(tensor: Any) -> dict[str, Any]:
    import ctypes

    import torch

    with torch.no_grad():
        dense = tensor.detach()
        dense = dense.dequantize() if dense.is_quantized else dense
        dense = (dense if dense.layout == torch.strided else dense.to_dense()).cpu()
        dense = dense.resolve_conj() if dense.is_complex() else dense
        flat = dense.contiguous().reshape(-1)
        raw = ctypes.string_at(flat.data_ptr(), flat.numel() * flat.element_size()) if flat.numel() else b""
        flat = torch.view_as_real(flat).reshape(-1) if flat.is_complex() else flat
        numbers = flat.double()
        finite = numbers[numbers.isfinite()]
        figures = (
            int(numbers.isnan().sum()),
            int(numbers.isinf().sum()),
            *((float(f()) for f in (finite.min, finite.max, finite.mean)) if len(finite) else (None,) * 3),
            float(finite.norm()),
        )
        kept = flat[:: every(len(flat))]
        values = kept.tolist() if not kept.is_floating_point() else kept.double().tolist()
    return _numbers(str(tensor.dtype).replace("torch.", ""), list(tensor.shape), raw, values, figures)


def _array(array: Any) -> dict[str, Any]:
    import numpy as np

    flat = np.ascontiguousarray(array).reshape(-1)
    raw = flat.tobytes()
    flat = flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat
    numbers = flat.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    figures = (
        int(np.isnan(numbers).sum()),
        int(np.isinf(numbers).sum()),
        *((float(f()) for f in (finite.min, finite.max, finite.mean)) if len(finite) else (None,) * 3),
        float(np.sqrt((finite * finite).sum())),
    )
    return _numbers(str(array.dtype), list(array.shape), raw, flat[:: every(len(flat))].tolist(), figures)


def _numbers(dtype: str, shape: list[int], raw: bytes, values: list[Any], figures: Any) -> dict[str, Any]:
    count = math.prod(shape) * (2 if dtype.startswith("complex") else 1)
    digest = hashlib.sha256(("%s %s " % (dtype, shape)).encode() + raw).hexdigest()
    return {
        "dtype": dtype,
        "shape": shape,
        "digest": digest,
        "every": every(count),
        "values": [int(value) if isinstance(value, bool) else value for value in values],
        **dict(zip(_FIGURES, figures)),
    }


def every(count: int, most: int = MOST_VALUES) -> int:
    """Return of how many values one is kept, so that they are evenly spaced and no more than `most`."""
    return max(1, -(-count // most))
