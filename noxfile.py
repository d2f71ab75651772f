"""Nox sessions: thin wrappers, each handing its arguments to the command line or to pytest."""

from __future__ import annotations

import os
import re
import sys

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "tests"]

SCENARIO = "llama_seq_cls"

# Many container images set this. Every process of a session would compile the whole harness anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def harness(session: nox.Session, *arguments: str, success: tuple[int, ...] = (0,)) -> None:
    """Install the harness and run one of its commands."""
    session.install("-e", ".")
    session.run("python", "-m", "harness", *arguments, success_codes=success)


@nox.session
def bisect(session: nox.Session) -> None:
    """Find where training changed: every release of PEFT, arms fp16 and bf16; arguments go to `harness bisect`."""
    arguments = session.posargs
    if not arguments or arguments[0].startswith("-"):
        arguments = [SCENARIO, *arguments]
    harness(session, "bisect", *arguments)


@nox.session
@nox.parametrize("peft", re.findall(r"probe\(peft='([^']+)'\)", " ".join(sys.argv)) or [None])
def probe(session: nox.Session, peft: str | None) -> None:
    """Execute one release: `nox -s "probe(peft='0.6.2')"`, or `nox -s probe -- --release 0.6.2`."""
    release = ["--release", peft] if peft else []
    harness(session, "probe", SCENARIO, *release, *session.posargs, success=(0, 1, 125))


@nox.session
def nightly(session: nox.Session) -> None:
    """Tell what is new since the last night, as nightly.toml says; exit status 1 is a new regression."""
    harness(session, "nightly", *session.posargs)


@nox.session
def gpu(session: nox.Session) -> None:
    """Prove this machine's GPU by the self-test; `nox -s gpu -- --device cpu` runs what makes sense without one."""
    harness(session, "selftest", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """Draw a stored run again; the newest one unless another is named."""
    harness(session, "report", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; arguments go to pytest."""
    session.install(
        "-e", ".", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")
    )
    # Tests of one file share what they made, so a file stays in one process; conftest.py puts them in order.
    # A worker waits for what it started almost half of its time, so there are two for each core.
    workers = str(2 * (os.cpu_count() or 1))
    order = ("--dist", "loadfile", "--no-loadscope-reorder")
    session.run("python", "-m", "pytest", "-n", workers, *order, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests and tell which lines of the harness they executed; arguments go to pytest.

    The recorder is left out: the Pythons of other environments execute it, and they have no coverage.
    """
    session.install(
        "-e",
        ".",
        "coverage>=7.10.4",
        *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test"),
    )
    session.run("coverage", "erase")
    tests = ("-n", str(os.cpu_count() or 1), "--dist", "loadfile", *session.posargs)
    session.run("coverage", "run", "-m", "pytest", *tests, success_codes=(0, 1))
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "html", "--quiet", "--directory", "reports/coverage")
    session.run("coverage", "report", "--skip-covered", "--skip-empty")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the main job beside what a user would do instead; with `--prefix`, the prefix search beside the sweep.

    Arguments go to tests/bench/bench_main_job.py, or to tests/bench/bench_prefix.py.
    """
    if "--prefix" in session.posargs[:1]:
        session.install("-e", ".")
        session.run("python", "tests/bench/bench_prefix.py", *session.posargs[1:])
        return
    session.install("-e", ".", "pypi-version-bisect")
    session.run("python", "tests/bench/bench_main_job.py", *session.posargs)


@nox.session
def golden(session: nox.Session) -> None:
    """Run the golden cases, real regressions with known answers; arguments are names of cases."""
    session.install("-e", ".")
    session.run("python", "tests/golden/run_golden.py", *session.posargs)


@nox.session
def attack(session: nox.Session) -> None:
    """Attack the harness at random: `nox -s attack -- --minutes 20 --seed 1` counts attacks and prints what did not hold."""
    session.install(
        "-e", ".", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")
    )
    session.run("python", "tests/attack/campaign.py", *session.posargs)


@nox.session(name="bench-isolation")
def bench_isolation(session: nox.Session) -> None:
    """Measure what isolation costs a probe: with namespaces and without, in turns, in one run."""
    session.install("-e", ".")
    session.run("python", "tests/bench/bench_isolation.py", *session.posargs)


@nox.session(name="bench-ranks")
def bench_ranks(session: nox.Session) -> None:
    """Measure what recording costs each of two ranks, as a share of the same steps."""
    session.install("-e", ".")
    session.run("python", "tests/bench/bench_ranks.py", *session.posargs)


@nox.session(name="bench-search")
def bench_search(session: nox.Session) -> None:
    """Measure the noisy search beside git_bayesect on simulated histories, and the prefix search beside the others.

    Arguments go to tests/search/bench_search.py, or after `--prefix` to tests/search/bench_classes.py alone.
    """
    session.install("-e", ".", "git_bayesect==1.2")
    # A product of small arrays is quickest with one thread, and memory that is given back would be cleared each time.
    quick = {
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_MMAP_THRESHOLD_": "100000000",
        "MALLOC_TRIM_THRESHOLD_": "200000000",
        "MALLOC_TOP_PAD_": "100000000",
    }
    alone = "--prefix" in session.posargs[:1]
    session.run("python", "tests/search/bench_classes.py", *(session.posargs[1:] if alone else ()))
    if not alone:
        session.run("python", "tests/search/bench_search.py", *session.posargs, env=quick)


@nox.session(name="bench-difference")
def bench_difference(session: nox.Session) -> None:
    """Measure the search for a difference beside plain ddmin on the same simulated environments."""
    session.install("-e", ".")
    session.run("python", "tests/search/bench_difference.py", *session.posargs)


@nox.session
def screenshots(session: nox.Session) -> None:
    """Make the pictures of README and documentation again from a run."""
    session.install(
        "-e", ".", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")
    )
    session.run("python", "tests/report/screenshots.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation in docs/_build, or in the folder that is given, and check its links without a network."""
    session.install(
        "-e", ".", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "docs")
    )
    folder = session.posargs[0] if session.posargs else "docs/_build"
    session.run("python", "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", folder)
    session.run("python", "docs/check_links.py", folder)


@nox.session
def lint(session: nox.Session) -> None:
    """Check format, style and types."""
    session.install(
        "-e", ".", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "lint")
    )
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("lint-imports")
