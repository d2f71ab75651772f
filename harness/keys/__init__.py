"""What a key of a TOML file takes and means, told once: the check, its complaints and the JSON schema follow from it."""

from harness.keys.key import Complaint, Key, check, unknown
from harness.keys.kind import Kind, Wrong
from harness.keys.toml import line_of, toml_text

__all__ = ["Complaint", "Key", "Kind", "Wrong", "check", "line_of", "toml_text", "unknown"]
