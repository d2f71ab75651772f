"""Which lines of code called an operation of torch; of a backward operation, those of the forward one it belongs to."""

from __future__ import annotations

from typing import Any, Callable, Dict

import torch

_PASSED_OVER = ("torch", "harness_recorder", "contextlib", "functools")  # whose lines tell nobody anything


class Callers:
    """Finds the lines that called an operation.

    Args:
        modules: Importable names of the package under test.
        kept: Returns what is kept of a frame.
    """

    def __init__(self, modules: Dict[str, None], kept: Callable[[Any], Any]) -> None:
        self._modules = modules
        self._kept = kept
        self._forward: Dict[int, Dict[str, Any]] = {}

    def of(self, frame: Any, asking: str) -> Dict[str, Any] | None:
        """Return the lines that called an operation; None if the recorder did.

        They are `line`, the innermost one outside of torch, `own`, the innermost one of the package under test, and
        `script`, the innermost one of the job. Of a backward operation they are those of the forward one that it
        belongs to, where torch numbers both (torch 2.1 and newer).

        Args:
            frame: That the operation is called in.
            asking: Name of the module that asks, whose own frames do not count as the recorder's.
        """
        found: Dict[str, Any] = {"line": None, "own": None, "script": None}
        while frame is not None and None in found.values():
            module = str(frame.f_globals.get("__name__", ""))
            top = module.partition(".")[0]
            # Another mode of the recorder passes the job's operations on.
            passes_on = module == asking or frame.f_code.co_name == "__torch_dispatch__"
            if top == "harness_recorder" and found["line"] is None and not passes_on:
                return None
            if top not in _PASSED_OVER:
                fits = {"line": True, "own": top in self._modules, "script": module == "__main__"}
                wanted = [name for name, fit in fits.items() if fit and found[name] is None]
                found.update(dict.fromkeys(wanted, self._kept(frame) if wanted else None))
            frame = frame.f_back
        node = getattr(torch._C, "_current_autograd_node", lambda: None)()  # noqa: SLF001
        if node is not None and hasattr(node, "_sequence_nr"):
            return self._forward.get(node._sequence_nr(), found)  # noqa: SLF001
        number = getattr(torch.autograd, "_get_sequence_nr", None)
        if number is not None and torch.is_grad_enabled():
            self._forward[number() - 1] = found
        return found
