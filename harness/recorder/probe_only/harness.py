"""What `import harness` means inside a probe, where the harness itself is not installed: `harness.record`."""

from harness_recorder import Recorder, record

__all__ = ["Recorder", "record"]
