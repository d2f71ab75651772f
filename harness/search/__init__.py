"""Which probes to run next, and what they say together: pure, driven by any executor."""

from harness.search.answer import Answer
from harness.search.knowledge import Observation, Request
from harness.search.search import Search, make_search

__all__ = ["Answer", "Observation", "Request", "Search", "make_search"]
