"""The version of the harness, where any module may read it, and what counts of the version of a Python."""

__version__ = "0.1.0"


def minor_of(python: str) -> str:
    """Return major and minor version of a Python, as 3.11 of 3.11.7: what decides which wheels fit."""
    return ".".join(python.split(".")[:2])
