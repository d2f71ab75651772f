"""What torch.compile did up to a step: graphs, graph breaks and recompilations, as torch counts them."""

from __future__ import annotations

import sys


def counted() -> dict[str, float]:
    """Return {`compile.graphs`, `.graph_breaks`, `.recompiles`} since the process began; nothing while nothing was compiled.

    A recompilation is a further compilation of a frame that was compiled before. torch counts them since 2.1, under names that
    are its own: one that is not there is left out.
    """
    utils = sys.modules.get("torch._dynamo.utils")
    counters = getattr(utils, "counters", {})
    if not counters.get("frames"):
        return {}
    found = {
        "compile.graphs": counters["stats"]["unique_graphs"],
        "compile.graph_breaks": sum(counters["graph_break"].values()),
    }
    compiled = getattr(sys.modules.get("torch._dynamo.convert_frame"), "FRAME_COMPILE_COUNTER", None)
    if compiled is not None:
        found["compile.recompiles"] = sum(compiled.values()) - len(compiled)
    return found
