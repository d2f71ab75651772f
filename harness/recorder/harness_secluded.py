"""Starts a warm parent where it can do little harm, before its Python runs any `.pth` file of the packages that it loads.

Standard library only; runs with the harness's own Python.

    python -I -S harness_secluded.py NETWORK PROGRAM [ARGUMENT ...]

Args:
    NETWORK: `own` for a network of its own; `machine` if its children share the machine's.
    PROGRAM: Path of the program, which gets this process's variables and open files.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness_isolation import enter, seclude

enter()
seclude(
    [os.environ["HOME"], "/tmp", "/var/tmp", "/dev/shm"],  # noqa: S108
    network=sys.argv[1] == "own",
)
os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - without a shell
