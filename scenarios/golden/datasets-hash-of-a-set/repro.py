"""The fingerprint of a set, here and in a process whose hash seed is another one: flaky by the hash seed."""

import os
import subprocess
import sys

from datasets.fingerprint import Hasher

value = Hasher.hash({"input_ids", "labels", "attention_mask"})
if "CHILD" in os.environ:
    print(value)
else:
    environment = {**os.environ, "CHILD": "1", "PYTHONHASHSEED": "random"}
    done = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True)
    other = done.stdout.strip()
    assert done.returncode == 0, done.stderr
    assert value == other, f"the fingerprint is {value} here and {other} in another process"
