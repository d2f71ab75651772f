"""The error that says that a job calls its recorder wrongly."""


class RecorderMisusedError(RuntimeError):
    """A job does not call its recorder as it has to: nothing is known of the release, for nothing was measured."""
