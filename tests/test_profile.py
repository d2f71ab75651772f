"""What takes more time or memory: planted slowdowns and growths are named by function and line, and confirmed by exchange."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

import pytest
from toyindex import DAYS, ToyIndex, plant, wheel

from harness.cause.bench import Bench
from harness.cause.profile import profile
from harness.cause.profile_reading import Sides, ranked
from harness.cause.transplant import Pair
from harness.model.question import Axis, Judging, Question, Subject
from harness.report.attribution import CauseResult
from harness.report.profile import sentence, text, view
from harness.report.profiled import ExchangeResult, FunctionResult, FunctionSide, ProfileResult
from harness.runs.bisect import begin
from harness.sessions.asked import ask
from harness.sessions.driver import Silent
from harness.sessions.observation import observe
from harness.state import State

MODEL = """\
class Model:
    def __init__(self):
        self.weights = {"layer.%d.weight" % n: bytes(10_000) for n in range(300)}

    def names(self):
        found = []
        for name in self.weights:
            found.append(name)
        return found

    def base(self):
        return list(self.weights.values())

    def same(self, one, other):
        return one == other


def loss(step, model):
    return (len(model.names()) + len(model.base())) / step
"""
PLANTED = {
    "1.0": MODEL,
    # a quadratic loop over the names of modules
    "1.1": MODEL.replace(
        "            found.append(name)",
        "            if not any([self.same(name, one) for one in found]):\n                found.append(name)",
    ),
    # a hidden copy of the base weights, at each step
    "1.2": MODEL.replace("return list(self.weights.values())", "return [bytes(bytearray(one)) for one in self.weights.values() for _ in range(20)]"),
    # copies that are kept
    "1.3": MODEL.replace(
        "        return list(self.weights.values())",
        "        self.kept = [bytes(bytearray(one)) for one in self.weights.values()]\n        return self.kept",
    ),
    # copies that are let go at once
    "1.4": MODEL.replace(
        "        return found\n", "        assert b''.join(self.weights.values())\n        return found\n"
    ),
    # less in the second execution than in the first one
    "1.5": MODEL.replace(
        "        return list(self.weights.values())",
        "        import os\n"
        "        often = 1 if '\"peak\"' in os.environ.get('HARNESS_INSTRUCTIONS', '') else 9\n"
        "        return [bytes(bytearray(one)) for one in self.weights.values() for _ in range(often)]",
    ),
}  # fmt: skip
JOB = "import toy\nmodel = toy.Model()\nfor step in range(1, 4):\n    toy.loss(step, model)\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """An index with the planted releases, a script, and what asks uv for nothing else."""
    folder = tmp_path_factory.mktemp("profile")
    (folder / "repro.py").write_text(JOB, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, ToyIndex() as index:
        for name in list(os.environ):
            if name.startswith(("PIP_", "UV_")):
                patch.delenv(name)
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        plant(index, PLANTED)
        patch.setenv("UV_DEFAULT_INDEX", index.url)
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        patch.setenv("HARNESS_HOME", str(folder / "home"))
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def found(world):
    """Return what profiles {newer release: metric} beside 1.0, each told as a cause."""
    question = Question(
        subject=Subject(command=("python", "repro.py")),
        axes=(Axis(package="toy"),),
        judging=Judging(metric="wall_seconds", expect="<1000"),
    )
    asked = ask(question, State.find())
    with begin(asked, State.find(), Silent()) as (session, _):
        bench, arm = Bench(session, Silent(), 1), session.asked.arms[0]
        seen = [observe(session, arm, place) for place in range(len(PLANTED))]

        def run(version, signal):
            place = list(PLANTED).index(version)
            pair = Pair(arm, 0, place, seen[0], seen[place], good_is_older=True, by_verdict=True)
            made = profile(pair, signal, bench)
            made = replace(
                made, metric=[1.0, 3.0]
            )  # one execution of so short a job tells nothing of its speed
            return CauseResult(
                "repro", "1.0", version, "regressed", "verdict", "", "", [], [], [], profile=made
            )

        yield run


def test_a_quadratic_loop_over_module_names(found):
    cause = found("1.1", "wall_seconds")
    first, second = cause.profile.functions[:2]
    assert {first.function, second.function} == {"Model.names", "Model.same"}
    assert first.share + second.share > 0.95
    loop = first if first.function == "Model.names" else second
    assert loop.after.text == "if not any([self.same(name, one) for one in found]):"
    # From Python 3.12 on, a comprehension is a part of its line: each pass counts.
    inlined = 3 * 300 * 299 // 2 if sys.version_info >= (3, 12) else 0
    assert (loop.after.top, loop.after.top_count) == (8, 900 + inlined)
    same = second if loop is first else first
    assert (same.before, same.after.calls) == (None, 3 * 300 * 299 // 2)
    assert cause.profile.equal
    older, newer = cause.profile.counts["python_calls"]
    assert newer - older >= 3 * 300 * 299 // 2
    assert cause.profile.exchange.status == "confirmed"
    assert "Confirmed: 1.1 with" in sentence(cause)
    assert sentence(cause).startswith("1.1 takes 3 times as long as 1.0: ")
    assert view(cause).levels


def test_a_hidden_copy_of_the_base_weights(found):
    cause = found("1.2", "wall_seconds")
    first = cause.profile.functions[0]
    assert (first.file, first.function) == ("toy/__init__.py", "Model.base")
    assert first.share > 0.8
    assert text(cause).startswith("return [bytes(bytearray(one))")
    assert cause.profile.exchange.status == "confirmed"
    assert "of the extra time is in `Model.base` (toy/__init__.py:12)" in sentence(cause)


def test_memory_that_is_kept(found):
    cause = found("1.3", "memory_peak")
    first = cause.profile.functions[0]
    assert (first.function, first.after.top) == ("Model.base", 12)
    assert first.after.text.startswith("self.kept = ")
    assert first.change == pytest.approx(
        6_000_000, rel=0.1
    )  # the old copies are there while new ones are made
    assert cause.profile.exchange.status == "confirmed"
    assert "is held by `Model.base` (toy/__init__.py:12)" in sentence(cause)


def test_memory_that_is_let_go_at_once(found):
    first = found("1.4", "memory_peak").profile.functions[0]
    assert (first.function, first.after.top) == ("Model.names", 9)
    assert first.change == pytest.approx(3_000_000, rel=0.1)


def test_a_peak_that_does_not_come_again_tells_of_no_function(found):
    """What the other side holds was then told as the difference."""
    cause = found("1.5", "memory_peak")
    assert cause.profile.functions == []
    assert cause.profile.problem.startswith("two executions of one release hold ")
    assert "Confirmed" not in sentence(cause)


def test_releases_that_are_alike_are_told_nothing(found):
    cause = found("1.0", "wall_seconds")
    assert cause.profile.exchange is None
    assert "Confirmed" not in sentence(cause)


def test_a_count_is_a_metric_of_its_own(world, harness):
    words = ("bisect", "--package", "toy", "--from", "1.0", "--to", "1.1", "--metric", "python_calls")
    done = harness(*words, "--", "python", "repro.py", cwd=world)
    assert done.returncode == 0, done.stderr
    assert "interleaved" not in done.stderr
    report = json.loads((world / "reports" / "latest" / "report.json").read_text(encoding="utf-8"))
    (arm,) = report["arms"]
    assert [row["verdict"] for row in arm["releases"]] == ["good", "bad"]
    (cause,) = report["cause"]
    assert (cause["status"], cause["profile"]["measure"]) == ("confirmed", "python_calls")
    assert cause["sentence"] in done.stdout
    assert "`Model.same` (toy/__init__.py:" in done.stdout
    assert "1.1 with `Model.names` of 1.0 makes" in done.stdout
    page = (world / "reports" / "latest" / "index.html").read_text(encoding="utf-8")
    assert 'class="flame"' in page
    assert "Mechanism" not in page


def test_a_count_that_nobody_counts_is_a_skip(world, harness):
    words = ("probe", "--package", "toy", "--release", "1.0", "--metric", "operations", "--expect", "<5")
    done = harness(*words, "--", "python", "repro.py", cwd=world)
    assert done.returncode == 125
    assert "operations was not counted" in done.stdout + done.stderr


def test_shares_are_of_what_goes_the_way_of_the_whole():
    def side(**amounts):
        return {("a.py", name): FunctionSide(1, amount) for name, amount in amounts.items()}

    rows = ranked(Sides(side(slow=1.0, fast=5.0, gone=1.0), side(slow=9.0, fast=3.0, new=2.0)))
    assert [(row.function, row.share) for row in rows] == [
        ("slow", 0.8), ("new", 0.2), ("gone", -0.1), ("fast", -0.2),
    ]  # fmt: skip
    assert ranked(Sides(side(same=1.0), side(same=1.0))) == []


NAMES = FunctionResult(
    "toy/model.py",
    "Model.names",
    FunctionSide(10, 0.01, calls=64, top=14, top_count=64, text="found.append(name)"),
    FunctionSide(11, 0.93, calls=4096, top=15, top_count=4096, text="found.append(name)", below={"list.append": 0.3}),
    0.92,
)  # fmt: skip
OUTSIDE = FunctionResult("", "", FunctionSide(0, 0.1, calls=0), FunctionSide(0, 0.18, calls=0), 0.08)
PROFILE = ProfileResult("wall_seconds", "seconds", [1.0, 2.1], [0.11, 1.11], [NAMES, OUTSIDE])
ALIKE = replace(NAMES, before=replace(NAMES.before, calls=3), after=replace(NAMES.after, calls=3))
EXCHANGE = ExchangeResult("functions", ["toy/model.py: Model.names"], 1.0, 0.2, "confirmed")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (PROFILE, ("1.1 takes 2.1 times as long as 1.0: 92% of the extra time is in `Model.names` (toy/model.py:15), called "
                  "4,096 times instead of 64. Not confirmed: no function of the package that is executed differs")),
        (replace(PROFILE, functions=[ALIKE]), "whose line is executed 4,096 times instead of 64"),
        (replace(PROFILE, functions=[replace(NAMES, before=None)]), "called 4,096 times, and not called in 1.0"),
        (replace(PROFILE, functions=[OUTSIDE]), "is in code outside of the package and the job, 0.18 s instead of 0.1 s"),
        (replace(PROFILE, signal="tokens_per_second", metric=[2.1, 1.0]), "1.1 takes 2.1 times as long as 1.0: "),
        (replace(PROFILE, measure="bytes", signal="memory_peak"), "1.1 holds 2.1 times as much memory as 1.0: 92% of"),
        (replace(PROFILE, measure="python_calls", signal="python_calls"), "makes 2.1 times as many calls of Python functions"),
        (replace(PROFILE, metric=[2.1, 1.0], totals=[1.11, 0.11], functions=[replace(NAMES, before=NAMES.after, after=NAMES.before)]),
         "1.1 takes 0.476 times as long as 1.0: 92% of the time saved is in `Model.names` (toy/model.py:15), called 64 times"),
        (replace(PROFILE, exchange=EXCHANGE), ("Confirmed: 1.1 with this function of 1.0 takes 0.2 s instead of 1.11 s, and 1.0 "
                                              "with this function of 1.1 takes 1 s instead of 0.11 s")),
        (replace(PROFILE, exchange=replace(EXCHANGE, status="supported", older=None)), "Supported, one way only: 1.1 with"),
        (replace(PROFILE, exchange=replace(EXCHANGE, status="refuted")), "Not confirmed: 1.1 with"),
        (replace(PROFILE, exchange=replace(EXCHANGE, status="not applicable")), "exchanged, the releases cannot be executed"),
        (replace(PROFILE, exchange=replace(EXCHANGE, what="files", names=["toy/model.py"])), "1.1 with toy/model.py of 1.0"),
        (replace(PROFILE, totals=[1.0, 1.0]), "The profile does not show it: 1 s with 1.0, 1 s with 1.1. Not confirmed"),
        (replace(PROFILE, problem="the job sets a profile of its own"), "No profile could be made: the job sets a profile"),
    ],
)  # fmt: skip
def test_a_sentence_claims_what_its_facts_carry(made, said):
    cause = CauseResult("arm", "1.0", "1.1", "regressed", "verdict", "", "", [], [], [], profile=made)
    assert said in sentence(cause)
    confirmed = made.exchange is not None and made.exchange.status == "confirmed"
    assert (". Confirmed" in sentence(cause)) == confirmed


def test_bars_and_rows():
    made = replace(PROFILE, counts={"python_calls": [10, 20]}, left_out=3)
    cause = CauseResult("arm", "1.0", "1.1", "regressed", "verdict", "", "", [], [], [], profile=made)
    drawn = view(cause)
    whole, functions, below = drawn.levels
    assert (whole[0].name, whole[0].width) == ("extra time: 1 s", 100)
    assert [(one.name, one.left, one.width) for one in functions] == [
        ("Model.names", 0, 92), ("outside of the package", 92, 8),
    ]  # fmt: skip
    assert [(one.name, one.left) for one in below] == [("list.append", 0)]
    assert (drawn.rows[0].calls, drawn.rows[0].change, drawn.rows[0].share) == (
        "64 → 4,096",
        "+0.92 s",
        "92%",
    )
    assert drawn.counts == [("python calls", "10", "20")]
    assert drawn.left_out == "3 more functions differ."
