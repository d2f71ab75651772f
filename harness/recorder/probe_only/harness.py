"""What `import harness` means inside a probe, where the harness itself is not installed: `harness.record` and `harness.output`."""

from harness_recorder import Recorder, output, record

__all__ = ["Recorder", "output", "record"]
