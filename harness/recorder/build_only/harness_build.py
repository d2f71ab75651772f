"""Confines the code that builds a wheel from a source distribution, in the process that uv starts for it.

Python imports this module before anything that was installed can run, `.pth` files included: PYTHONWARNINGS, which Python
reads before it loads `site`, names a category of warnings in it, and its folder is PYTHONPATH. The harness says in
HARNESS_BUILD what is wanted; only the process that uv starts has the variable. The process then begins anew: in
namespaces of its own without a network, since uv has fetched what the build requires, and with few variables, so that
no token is in its memory either. It writes into uv's folders for builds and its own temporary one, which uv removes.

A process that cannot be confined ends, so that no build goes on without.
"""

import json
import os
import sys

_NAMES = frozenset(
    [
        "PATH",
        "SETUPTOOLS_SCM_PRETEND_VERSION",  # of a commit, whose history is not there
        "TZ",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "VIRTUAL_ENV",
        "PYTHONIOENCODING",
        "CLICOLOR_FORCE",
        "SOURCE_DATE_EPOCH",
        "CC",
        "CXX",
        "CPP",
        "AR",
        "LD",
        "CFLAGS",
        "CXXFLAGS",
        "CPPFLAGS",
        "LDFLAGS",
        "CPATH",
        "LIBRARY_PATH",
        "PKG_CONFIG_PATH",
        "MAKEFLAGS",
        "MAX_JOBS",
        "CMAKE_ARGS",
        "CMAKE_PREFIX_PATH",
        "CMAKE_GENERATOR",
        "CMAKE_BUILD_PARALLEL_LEVEL",
        "CUDA_HOME",
        "CUDA_PATH",
        "TORCH_CUDA_ARCH_LIST",
        "FORCE_CUDA",
        "SETUPTOOLS_USE_DISTUTILS",
        "SETUPTOOLS_SCM_PRETEND_VERSION",
        "NPY_NUM_BUILD_JOBS",
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
    ]
)


class Confined(Warning):
    """What PYTHONWARNINGS names, so that this module is imported."""


def begin_anew(wanted):
    """Confine this process, if it is a build, as far as the machine allows, and start its program again."""
    with open("/proc/self/cmdline", "rb") as file:
        words = file.read().split(b"\0")[:-1]
    if b"-c" not in words[:2]:  # uv runs a build as `python -c …`, and other things otherwise
        return
    folder = os.getcwd()
    if wanted["isolated"]:
        confine_build(wanted, folder)
        os.chdir(folder)
    environment = {name: value for name, value in os.environ.items() if name in _NAMES}
    temporary = "/tmp" if wanted["isolated"] else folder  # noqa: S108
    os.execve(sys.executable, words, {**environment, "HOME": temporary})  # noqa: S606


def confine_build(wanted, folder):
    """Enter namespaces; files of builds can be written to, and those of Python and of programs read."""
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from harness_isolation import PARTS, confine, enter

    # Before `site` is loaded, `sys.prefix` may be that of the Python which the virtual environment was made from.
    environment = os.path.dirname(os.path.dirname(os.path.abspath(sys.executable)))
    own = os.path.join(environment, "tmp-of-the-build")
    os.makedirs(own, exist_ok=True)
    builds = os.path.dirname(os.path.realpath(environment))
    python = os.path.realpath(sys.executable)
    programs = os.environ.get("PATH", "").split(os.pathsep)
    readable = [sys.base_prefix, os.path.dirname(os.path.dirname(python)), *programs, *wanted["readable"]]
    readable = [
        path for path in readable if os.path.isabs(path) and path.count("/") > 1 and os.path.exists(path)
    ]
    shown = [[path, "read"] for path in readable]
    shown += [[path, "write"] for path in (builds, folder, *wanted["writable"])]
    enter()
    confine(
        {
            "holds": list(PARTS),
            "hidden": [path for path in wanted["hidden"] if os.path.isdir(path)],
            "temporary": own,
            "upper": own,
            "shown": shown,
        }
    )


if "HARNESS_BUILD" in os.environ:
    try:
        begin_anew(json.loads(os.environ["HARNESS_BUILD"]))
    except BaseException as error:
        os.write(
            2,
            (
                "error: this build cannot be shut off (%s); --isolation none lets it run without\n" % error
            ).encode(),
        )
        os._exit(1)
