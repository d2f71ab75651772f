"""Loads `harness_build` where a Python reads PYTHONWARNINGS after `site` and not before, as PyPy does."""

import harness_build  # noqa: F401 - it acts as it is loaded
