"""Names that are the same in every release.

A release of PEFT decides where it hangs the base model and its adapters, so one weight has several names:
`base_model.model.model.layers.0.self_attn.q_proj.weight` became `…q_proj.base_layer.weight` in 0.7.0. Canonical
names leave out what only says where a wrapper keeps its things, and so does `module.` of DistributedDataParallel.
"""

from __future__ import annotations

import re

_PREFIX = re.compile(r"^(?:module\.|_orig_mod\.)*(?:base_model\.model\.)?")
_WRAPPERS = re.compile(r"\.(base_layer|modules_to_save|default)(?=\.|$)")


def canonical(raw: str) -> str:
    """Return the canonical name of a parameter, buffer or module.

    `score.original_module`, the untouched copy that PEFT keeps beside the trained one, stays a name of its own.
    """
    return _WRAPPERS.sub("", _PREFIX.sub("", raw))
