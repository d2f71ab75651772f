"""Which probes to run next, and what they say together: pure, driven by any executor.

What is imported from here is loaded when it is used: who needs the words of an answer needs no noise model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.search.answer import Answer
    from harness.search.knowledge import Observation, Request
    from harness.search.search import Search, make_search

__all__ = ["Answer", "Observation", "Request", "Search", "make_search"]

_PLACES = {
    "Answer": "answer",
    "Observation": "knowledge",
    "Request": "knowledge",
    "Search": "search",
    "make_search": "search",
}


def __getattr__(name: str) -> Any:
    """Return a name of `__all__` from the module that defines it."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"harness.search.{_PLACES[name]}"), name)
