"""Complains before a search if what it finds could not be confirmed on the other device that is asked for."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from harness.environments.environment import NotInstallable
from harness.errors import ToolMissingError, UsageError
from harness.locks.torch import has_gpu
from harness.verdicts.oracles import alone

if TYPE_CHECKING:
    from harness.environments.environment import Environments
    from harness.locks.lock import Lock
    from harness.sessions.asked import Asked

_ASK = "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 3)"
_UNUSABLE = 3


def check_device(asked: Asked) -> None:
    """Complain at once if a run could not confirm anything.

    Raises:
        UsageError: The device is not there, is the one that the search is to run on, or cannot be compared.
    """
    wanted = asked.question.plan.confirm_on
    if alone(asked.scenario.oracle):
        raise UsageError(
            f"--confirm-on {wanted}: the oracle judges what this machine does, which says nothing of another device"
        )
    if wanted == asked.question.holds.device:
        raise UsageError(f"--confirm-on {wanted}: the search is to run there already; name another device")
    if wanted == "cuda" and asked.place.scheduler is None and not has_gpu():
        raise UsageError(
            "--confirm-on cuda: no NVIDIA driver is loaded on this machine. Leave it out and take the question to "
            "one that has a GPU: `harness bundle`, there `bisect --bundle FILE --device cuda`, and `harness merge` "
            "brings the results home; `harness report` then shows both"
        )


def check_torch(
    wanted: str | None, device: str, environments: Environments, reference: Lock, base: Lock
) -> None:
    """Complain before the search if the device that the run takes makes a confirmation pointless or impossible.

    Raises:
        UsageError: The search runs on that device.
        ToolMissingError: The locked torch cannot use the GPU.
    """
    if wanted == device:
        raise UsageError(
            f"--confirm-on {wanted}: the search runs there already; add --device cpu or --device cuda"
        )
    if wanted != "cuda":
        return
    made = environments.ensure(reference, base)
    if isinstance(made, NotInstallable):
        return
    done = subprocess.run([made.python, "-c", _ASK], check=False, capture_output=True, timeout=300)
    if done.returncode == _UNUSABLE:  # a job that has no torch may have other ways to a GPU
        raise ToolMissingError(
            f"--confirm-on cuda: the environments' torch {reference.versions().get('torch')} cannot use this "
            "machine's GPU; name a build that can, as --torch cu128, or --torch host"
        )
