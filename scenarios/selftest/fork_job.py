"""A job whose import statements open the device: the warm parent, which executes them, must then refuse to fork."""

import holds_device  # noqa: F401

print("a child was forked")
