"""Histories with known answers, through the command line: no innocent is named, and no comfort is false."""

from __future__ import annotations

import pytest
from planted_worlds import World, ask, series

pytestmark = pytest.mark.slow

PRINTS = 'import toy\nprint(f"accuracy={toy.value}")\n'
RUNS = "import toy\ntoy.run()\n"


def changed_once(answer):
    assert answer.boundaries(confirmed=True) == [("1.2", "1.3")]
    assert answer.arm["boundaries"][0]["kind"] == "changed"
    for claim in ("Nothing broke", "nothing that was measured changes", "1.3 broke", "1.3 repaired"):
        assert claim not in answer.text


def no_comfort_at_the_end(answer):
    assert answer.arm["conclusion"] == "untestable-gap"
    assert "Nothing broke" not in answer.text
    assert "--import-errors bad" in answer.text


def both_failures_are_told(answer):
    assert answer.boundaries(confirmed=True) == [("1.2", "1.3")]
    assert "could not be tested" not in answer.text
    for word in ("1.3", "ValueError", "1.9", "AssertionError"):
        assert word in answer.stdout.splitlines()[0]


def the_dependency_is_named(answer):
    assert "helper" in answer.stdout.splitlines()[0]
    assert "toy 1.4 broke" not in answer.text


def all_steps_are_found(answer):
    assert answer.boundaries() == [("1.0", "1.1"), ("1.3", "1.4"), ("1.6", "1.7")]


def only_true_changes(answer):
    assert set(answer.boundaries(confirmed=True)) <= {("1.1", "1.2"), ("1.3", "1.4")}


def nobody_is_named(answer):
    assert answer.boundaries(confirmed=True) == []


def all_are_good(answer):
    assert answer.boundaries() == []
    assert {row["verdict"] for row in answer.arm["releases"]} == {"good"}


def one_step(before, after):
    def check(answer):
        assert answer.boundaries(confirmed=True) == [(before, after)]

    return check


def more_memory_is_seen(answer):
    assert answer.boundaries() == [("1.2", "1.3")] or answer.arm["conclusion"] != "always-good"


def the_hash_seed_is_told(answer):
    assert "hash seed" in answer.text.lower()


def unexecuted_releases_are_told(answer):
    assert ("1.2", "1.3") in answer.boundaries() or "not executed" in answer.text


def only_the_culprit_is_bad(answer):
    assert {row["version"] for row in answer.arm["releases"] if row["verdict"] == "bad"} <= {"1.2"}


TIME = {"1.0": "import time\n"}

WORLDS = {
    "a metric falls": World(
        {"toy": series(6, lambda n: f"value = {0.9 if n < 3 else 0.6}\n")},
        PRINTS,
        changed_once,
        ("--metric", "accuracy"),
    ),
    "a metric rises": World(
        {"toy": series(6, lambda n: f"value = {0.6 if n < 3 else 0.9}\n")},
        PRINTS,
        changed_once,
        ("--metric", "accuracy"),
    ),
    "the newest releases cannot be imported": World(
        {"toy": series(6, lambda n: f"def {'old' if n < 3 else 'new'}(): return 1\n")},
        "from toy import old\nprint(old())\n",
        no_comfort_at_the_end,
    ),
    "one failure after another": World(
        {
            "toy": series(
                11,
                lambda n: (
                    "def run(): "
                    + ("pass" if n < 3 else "raise ValueError('domain')" if n < 9 else "assert False, 'sign'")
                ),
            )
        },
        RUNS,
        both_failures_are_told,
    ),
    "a dependency has the fault": World(
        {
            "helper": {"1.0": "X = 1\n", "2.0": "X = 2\n"},
            "toy": series(
                8,
                lambda n: (
                    "import helper\ndef run(): assert helper.X == 1, helper.X\n",
                    ("helper<2" if n < 4 else "helper>=2",),
                ),
            ),
        },
        RUNS,
        the_dependency_is_named,
    ),
    "a value depends on what is loaded": World(
        {"toy": series(12, lambda n: f"VALUE = {0 if n < 1 else 1 if n < 4 else -1 if n < 7 else 1}\n")},
        'import sys\nimport toy\nprint(f"loss={10 + toy.VALUE - len(sys.modules) / 1000}")\n',
        all_steps_are_found,
        ("--metric", "loss"),
    ),
    "chance is drawn at import": World(
        {
            "helper": {"1.0": "import os\nX = os.urandom(1)[0] / 255\n"},
            "toy": series(
                6, lambda n: (f"VALUE = {0.5 if n < 2 else 0.502 if n < 4 else 0.5}\n", ("helper",))
            ),
        },
        'import helper\nimport toy\nprint(f"loss={toy.VALUE + 0.01 * helper.X}")\n',
        only_true_changes,
        ("--metric", "loss"),
    ),
    "a process pool stays open": World(
        {"helper": TIME, "toy": series(5, lambda _n: ("def f(x): return x + 1\n", ("helper",)))},
        "import helper\nimport toy\nfrom concurrent.futures import ProcessPoolExecutor\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPoolExecutor(2)\n    print(list(pool.map(toy.f, range(2))))\n",
        all_are_good,
        ("--timeout", "60"),
    ),
    "a thread prints late": World(
        {"helper": TIME, "toy": series(5, lambda n: (f"value = {0.1 if n < 3 else 0.6}\n", ("helper",)))},
        "import helper\nimport threading\nimport time\nimport toy\n"
        "def late():\n    time.sleep(1)\n    print(f'loss={toy.value}')\n"
        "threading.Thread(target=late).start()\n",
        one_step("1.2", "1.3"),
        ("--metric", "loss", "--expect", "<0.5"),
    ),
    "30 MB more": World(
        {"toy": series(6, lambda n: f"def hold(): return bytearray(b'x') * {1 if n < 3 else 30_000_000}\n")},
        "import toy\nheld = toy.hold()\nprint(len(held))\n",
        more_memory_is_seen,
        ("--metric", "memory_peak"),
    ),
    "the reference cannot be built": World(
        {"toy": {**series(6, lambda n: f"value = {0.1 if n < 4 else 0.6}\n"), "1.0": None}},
        'import toy\nprint(f"loss={toy.value}")\n',
        one_step("1.3", "1.4"),
        ("--metric", "loss"),
    ),
    "two values on a line": World(
        {"toy": series(6, lambda n: f"value = {0.1 if n < 4 else 0.6}\n")},
        'import toy\nprint(f"loss={toy.value} step=3")\n',
        one_step("1.3", "1.4"),
        ("--metric", "loss", "--expect", "<0.5"),
    ),
    "the hash seed decides": World(
        {
            "toy": series(
                6,
                lambda n: "def first(names): return " + ("'red'\n" if n < 3 else "next(iter(set(names)))\n"),
            )
        },
        "import toy\nassert toy.first(['red', 'green', 'blue', 'black']) in ('red', 'black', 'blue')\n",
        the_hash_seed_is_told,
    ),
    "binary search passes over a window": World(
        {"toy": series(16, lambda n: f"def run(): assert {n not in (3, 4, 5) and n < 8}, 'sign'\n")},
        RUNS,
        unexecuted_releases_are_told,
        ("--search", "binary"),
    ),
    "a job writes into another package": World(
        {
            "helper": {"1.0": "SCALE = 1.0\n"},
            "toy": series(
                6,
                lambda n: (
                    "import helper\n"
                    + ("open(helper.__file__, 'a').write('\\nSCALE = 0.0\\n')\n" if n == 2 else "")
                    + "def run(): assert helper.SCALE == 1.0, 'scale'\n",
                    ("helper",),
                ),
            ),
        },
        RUNS,
        only_the_culprit_is_bad,
        ("--search", "sweep", "--jobs", "1"),
    ),
    "one step": World(
        {"toy": series(8, lambda n: f"def run(): assert {n < 5}, 'sign'\n")}, RUNS, one_step("1.4", "1.5")
    ),
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_the_answer_is_true(world, toy_state, tmp_path, commands):
    world.check(ask(world, tmp_path, commands, UV_CACHE_DIR=toy_state["UV_CACHE_DIR"]))


@pytest.mark.parametrize("attempt", range(2))
def test_a_coin_names_nobody(attempt, tmp_path, commands):
    """Every release fails in three of ten executions, so no release changed anything."""
    packages = {"toy": series(10, lambda _n: "import os\ndef ok(): return os.urandom(1)[0] >= 77\n")}
    nobody_is_named(
        ask(World(packages, "import toy\nassert toy.ok()\n", nobody_is_named), tmp_path, commands)
    )
