"""The environment variables of a probe: no credentials, no network, a home of its own, pinned threads.

`harness.probes.isolation` shuts it off from everything else. Variables are let through by name, not taken out by name,
since nobody knows what every secret is called.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.probes.probe import FIRST_HASH_SEED, HASH_SEED
from harness.recording import RECORDER

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRAINING = frozenset(
    [
        "CUDA_HOME",
        "CUDA_PATH",
        "CUDA_VERSION",
        "CUDA_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER",
        "CUDA_DEVICE_MAX_CONNECTIONS",
        "CUDA_LAUNCH_BLOCKING",
        "CUDA_MODULE_LOADING",
        "CUDA_CACHE_DISABLE",
        "CUDA_CACHE_MAXSIZE",
        "CUDA_CACHE_PATH",
        "CUDA_FORCE_PTX_JIT",
        "CUDA_DISABLE_PTX_JIT",
        "CUDA_MPS_PIPE_DIRECTORY",
        "CUDA_MPS_LOG_DIRECTORY",
        "NVIDIA_VISIBLE_DEVICES",
        "NVIDIA_DRIVER_CAPABILITIES",
        "NVIDIA_TF32_OVERRIDE",
        "OPENBLAS_CORETYPE",
        "OPENBLAS_MAIN_FREE",
        "OPENBLAS_VERBOSE",
        "MKL_CBWR",
        "MKL_DEBUG_CPU_TYPE",
        "MKL_DYNAMIC",
        "MKL_ENABLE_INSTRUCTIONS",
        "MKL_INTERFACE_LAYER",
        "MKL_SERVICE_FORCE_INTEL",
        "MKL_THREADING_LAYER",
        "MKL_VERBOSE",
        "KMP_AFFINITY",
        "KMP_BLOCKTIME",
        "KMP_DUPLICATE_LIB_OK",
        "KMP_HW_SUBSET",
        "KMP_INIT_AT_FORK",
        "KMP_SETTINGS",
        "GOMP_CPU_AFFINITY",
        "GOMP_SPINCOUNT",
        "GOMP_STACKSIZE",
    ]
)
"""Variables by which torch and the libraries below it behave otherwise."""

_NAMES = _TRAINING | {
    "PATH",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "HF_HUB_CACHE",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_MONETARY",
    "LC_NUMERIC",
    "LC_TIME",
}
"""Variables that come through, by their whole names: who knows what a variable with a known beginning holds."""

_TRAINING_BEGINNINGS = (
    "CUBLAS_",
    "CUDA_",
    "MKL_",
    "NCCL_",
    "NVIDIA_",
    "OMP_",
    "OPENBLAS_",
    "PYTORCH_",
    "TORCH_",
    "XLA_",
)
"""How names of more such variables begin, which do not come through: their values may be secrets."""

_NOWHERE = "http://127.0.0.1:9"  # the discard port: a proxy that refuses at once


def checkpoints(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of downloaded model files."""
    environ = os.environ if environ is None else environ
    home = environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return Path(environ.get("HF_HUB_CACHE") or Path(home) / "hub")


def training_variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return, sorted by name, the variables by which training may behave otherwise: a value where a probe gets it."""
    environ = os.environ if environ is None else environ
    return {
        name: value if name in _TRAINING else "set, and not handed to a probe"
        for name, value in sorted(environ.items())
        if name in _TRAINING or name.startswith(_TRAINING_BEGINNINGS)
    }


def variables(
    folder: Path,
    *,
    threads: int,
    trace: Path | None,
    instructions: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    online: bool = False,
) -> dict[str, str]:
    """Return all environment variables of a probe.

    Args:
        folder: Scratch folder, its home.
        threads: For every library that reads such a variable.
        trace: Where the recorder writes; None for a process that records nothing.
        instructions: What the recorder is asked besides.
        environ: The surroundings; None reads the process's own.
        online: Let the probe use the network, with the proxies of the surroundings.
    """
    environ = os.environ if environ is None else environ
    kept = {key: value for key, value in environ.items() if key in _NAMES}
    proxy_names = [name for key in ("http_proxy", "https_proxy", "all_proxy") for name in (key, key.upper())]
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"), "1")
    proxies = dict.fromkeys(proxy_names, _NOWHERE)
    if online:
        offline = {}
        proxies = {name: environ[name] for name in (*proxy_names, "no_proxy", "NO_PROXY") if name in environ}
    counts = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), str(threads)
    )
    return {
        **kept,
        **offline,
        **proxies,
        **counts,
        "HOME": str(folder),
        "HF_HOME": str(folder / "huggingface"),
        "HF_HUB_CACHE": str(checkpoints(environ)),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "WANDB_MODE": "disabled",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # what torch asks for when algorithms must be deterministic
        HASH_SEED: FIRST_HASH_SEED,
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(map(str, (RECORDER, RECORDER / "probe_only"))),
        # The file is new, so no process of the probe begins it anew and loses what another one wrote.
        **({"HARNESS_TRACE": str(trace), "HARNESS_TRACE_BEGUN": str(trace)} if trace else {}),
        **({"HARNESS_INSTRUCTIONS": json.dumps(instructions)} if instructions else {}),
        "HARNESS_STARTED": repr(time.time()),
    }
