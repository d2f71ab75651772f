"""The harness's own faults, as one small tree.

HarnessError              exit code 4: something around the probes failed
├── UsageError            exit code 2: the question is malformed (names what, where, what next)
├── IndexUnavailableError exit code 4: no package index answered and no listing is stored
├── MachineError          exit code 4: disk, memory, permission, index …: it says nothing of any release
└── ToolMissingError      exit code 4: uv or an interpreter is not there

A release that cannot be installed or a job that crashes is *data* (a skip or a bad verdict), never one of
these. They are caught broadly in one place only, the command line.
"""


class HarnessError(Exception):
    """A fault of the harness or its surroundings; the message says what, where and what to do next."""

    exit_code = 4


class UsageError(HarnessError):
    """The user's input cannot be understood or does not exist."""

    exit_code = 2


class IndexUnavailableError(HarnessError):
    """The package index gave no usable answer and nothing stored can stand in for it."""


class ToolMissingError(HarnessError):
    """A program that the harness drives is missing."""


class MachineError(HarnessError):
    """The machine or the network failed, not a release: what was executed is stored, and can be gone on with."""
