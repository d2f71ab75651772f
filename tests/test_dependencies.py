"""A dependency changes with the release under test: the answer names what did it, or says that nobody can tell."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, wheel

RUN = "import toy\ntoy.run()\n"
CALLS = "import helper\ndef run(): helper.work()\n"
BREAKS = "import helper\ndef run():\n    helper.work()\n    raise ValueError('planted')\n"
WORKS, FAILS = "X = 1\ndef work(): return 1\n", "X = 2\ndef work(): raise ValueError('planted')\n"
HARMLESS = "X = 2\ndef work(): return 1\n"


@pytest.fixture
def ask(toy, harness, monkeypatch):
    """Serve packages {name: {version: code, or (code, requirements)}} and bisect toy; returns what it said."""
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    (toy / "repro.py").write_text(RUN, encoding="utf-8")
    with ToyIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)

        def put(*words, **packages):
            for name, history in packages.items():
                for (version, given), day in zip(history.items(), DAYS, strict=False):
                    code, requires = given if isinstance(given, tuple) else (given, ())
                    index.add(name, wheel(name, version, code, requires, uploaded=day))
            done = harness("bisect", "--package", "toy", *words, "--", "python", "repro.py")
            assert "Traceback" not in done.stderr, done.stderr
            return Asked(done, json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8")))

        put.index = index
        yield put


class Asked:
    """What one run said."""

    def __init__(self, done, report):
        self.done, self.report = done, report
        self.headline = done.stdout.splitlines()[0]
        (self.arm,) = report["arms"]
        (self.boundary,) = [one for one in self.arm["boundaries"] if one["signal"] == "verdict"]
        self.answer = self.boundary["dependencies"]

    @property
    def trials(self):
        """{(release, exchanged): (likeness, forced, executions)}."""
        return {
            (one["release"], *one["exchanged"]): (one["likeness"], one["forced"], len(one["executions"]))
            for one in self.answer["trials"]
        }

    @property
    def culprits(self):
        return [tuple(one["names"]) for one in self.answer["culprits"]]


def two(old, new, before=("helper<2",), after=("helper>=2",)):
    """Two releases of toy: code and requirements of the older and the newer one."""
    return {"1.1": (old, before), "1.2": (new, after)}


def test_a_dependency_did_it_and_requirements_bind_both_ways(ask):
    asked = ask(helper={"1.0": WORKS, "2.0": FAILS}, toy=two(CALLS, CALLS))
    assert (asked.answer["outcome"], asked.culprits) == ("dependencies", [("helper",)])
    assert asked.trials == {
        ("1.1", "helper"): ("as after", True, 2),
        ("1.2", "helper"): ("as before", True, 2),
    }
    assert asked.headline == (
        "repro regressed: helper 2.0 (toy 1.2 requires helper>=2) broke the job: last good with toy 1.1, first bad "
        "with toy 1.2, confirmed; shown by installing toy 1.1 with helper 2.0 although toy 1.1 requires helper<2 "
        "and toy 1.2 with helper 1.0 although toy 1.2 requires helper>=2."
    )


def test_where_uv_resolves_one_mixture_nothing_needs_a_mark(ask):
    asked = ask(helper={"1.0": WORKS, "2.0": FAILS}, toy=two(CALLS, CALLS, after=("helper",)))
    assert asked.answer["outcome"] == "dependencies"
    assert asked.trials["1.2", "helper"] == ("as before", False, 2)
    assert asked.headline == (
        "repro regressed: helper 2.0 (toy 1.1 requires helper<2) broke the job: last good with toy 1.1, first bad "
        "with toy 1.2, confirmed."
    )
    shown = (
        "toy 1.1 with helper 2.0 (installed although toy 1.1 requires helper<2) fails as toy 1.2 does; "
        "toy 1.2 with helper 1.0 is good as toy 1.1 is"
    )
    assert shown in asked.done.stdout
    for name in ("summary.md", "issue.md", "junit.xml", "index.html"):
        text = (
            (Path("reports/latest") / name)
            .read_text(encoding="utf-8")
            .replace("&lt;", "<")
            .replace("&#60;", "<")
        )
        assert "helper 2.0" in text
        assert shown[1:] in text, name
        assert "toy 1.2 broke" not in text


def test_the_release_did_it_although_a_dependency_changed(ask):
    asked = ask(helper={"1.0": WORKS, "2.0": HARMLESS}, toy=two(CALLS, BREAKS, after=("helper",)))
    assert (asked.answer["outcome"], asked.culprits) == ("package", [])
    assert asked.headline.startswith("repro regressed: toy 1.2 broke the job: 1.1 is the last good release")
    assert (
        "toy 1.1 with helper 2.0 (installed although toy 1.1 requires helper<2) is good" in asked.done.stdout
    )


def test_each_of_both_by_itself(ask):
    asked = ask(helper={"1.0": WORKS, "2.0": FAILS}, toy=two(CALLS, BREAKS, after=("helper",)))
    assert (asked.answer["outcome"], asked.culprits) == ("either", [("helper",)])
    assert (
        "toy 1.2 and helper 2.0 (toy 1.1 requires helper<2), each by itself, broke the job" in asked.headline
    )
    assert (
        "although toy 1.1 requires helper<2" in asked.headline
    )  # without the force it would be the release alone


def test_only_both_together(ask):
    new = "import helper\ndef run():\n    if helper.X == 2: raise ValueError('planted')\n"
    asked = ask(helper={"1.0": WORKS, "2.0": HARMLESS}, toy=two(CALLS, new, after=("helper",)))
    assert (asked.answer["outcome"], asked.culprits) == ("together", [("helper",)])
    assert "toy 1.2 together with helper 2.0" in asked.headline


def test_another_failure_is_no_evidence_and_what_binds_them_is_named(ask):
    old, new = (f"import helper\ndef run(): helper.{name}()\n" for name in ("old", "new"))
    asked = ask(
        helper={
            "1.0": "def old(): return 1\n",
            "2.0": "def new():\n    raise AttributeError('planted')\n",
        },
        toy=two(old, new),
    )
    assert asked.answer["outcome"] == "undecided"
    # An AttributeError each, as the failure is one: installed against a requirement, the class alone proves nothing.
    assert {one[0] for one in asked.trials.values()} == {"no evidence"}
    assert asked.headline == (
        "repro regressed: toy 1.2, helper 2.0, or several of them broke the job: last good with toy 1.1, first bad "
        "with toy 1.2, confirmed; these changes cannot be told apart: toy 1.1 requires helper<2 and toy 1.2 "
        "requires helper>=2."
    )


def test_a_dependency_that_repaired_it(ask):
    asked = ask(
        "--from", "1.1", helper={"1.0": FAILS, "2.0": WORKS}, toy=two(CALLS, CALLS, after=("helper",))
    )
    assert (asked.boundary["kind"], asked.answer["outcome"]) == ("fixed", "dependencies")
    assert "helper 2.0 (toy 1.1 requires helper<2) repaired the job: last bad with toy 1.1" in asked.headline


def test_the_one_of_several_dependencies_that_did_it(ask):
    names = ("alpha", "beta", "helper", "omega")
    others = {name: {"1.0": "X = 1\n", "2.0": "X = 2\n"} for name in names if name != "helper"}
    before = tuple(f"{name}<2" for name in names)
    asked = ask(helper={"1.0": WORKS, "2.0": FAILS}, toy=two(CALLS, CALLS, before, names), **others)
    assert (asked.answer["outcome"], asked.culprits) == ("dependencies", [("helper",)])
    assert "repro regressed: helper 2.0 (toy 1.1 requires helper<2) broke the job" in asked.headline
    assert sum(one[2] for one in asked.trials.values()) <= 12


def test_a_pair_of_dependencies_is_a_pair_and_two_are_two(ask):
    toy = "import helper, extra\ndef run():\n    assert not (helper.X == 2 and extra.X == 2), 'planted'\n"
    names = ("extra", "helper", "omega")
    plain = {name: {"1.0": "X = 1\n", "2.0": "X = 2\n"} for name in names}
    asked = ask(toy=two(toy, toy, tuple(f"{name}<2" for name in names), names), **plain)
    assert asked.answer["culprits"] == [{"names": ["extra", "helper"], "together": True, "forced": False}]
    assert "extra 2.0 and helper 2.0 together" in asked.headline


def test_dependencies_that_bind_each_other_are_told_apart_by_force_alone_and_it_is_said(ask):
    """As pydantic and pydantic-core: each release of `mid` asks for just one of `core`, whose fault it is."""
    mid = "import core\ndef work(): return core.work()\n"
    calls = "import mid\ndef run(): mid.work()\n"
    asked = ask(
        core={"1.0": WORKS, "2.0": FAILS},
        mid={"1.0": (mid, ("core==1.0",)), "2.0": (mid, ("core==2.0",))},
        toy=two(calls, calls, ("mid<2",), ("mid",)),
    )
    assert asked.answer["outcome"] == "dependencies"
    assert asked.answer["culprits"] == [{"names": ["core"], "together": False, "forced": True}]
    assert "core 2.0 (mid 1.0 requires core==1.0) broke the job" in asked.headline
    assert "although mid 1.0 requires core==1.0" in asked.headline.partition("; shown by installing ")[2]


def test_a_dependency_that_a_release_begins_to_need(ask):
    asked = ask(helper={"2.0": FAILS}, toy=two("def run(): pass\n", CALLS, (), ("helper",)))
    assert asked.answer["changes"] == [{"name": "helper", "before": None, "after": "2.0"}]
    assert asked.answer["outcome"] == "package"  # beside the same helper, 1.1 is good and 1.2 is bad
    assert "toy 1.1 with helper 2.0 is good as toy 1.1 is" in asked.done.stdout
    assert "toy 1.2 requires helper" in asked.done.stdout


def test_repeated_reported_and_judged_again_it_is_the_same_and_executes_nothing(ask, harness):
    asked = ask(helper={"1.0": WORKS, "2.0": FAILS}, toy=two(CALLS, CALLS))
    probes = sorted(Path("fresh/probes").glob("*/*/probe.json"))
    assert ask().answer == asked.answer
    for word in ("report", "judge"):
        done = harness(word)
        assert done.returncode == 0, done.stderr
        again = Asked(done, json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8")))
        assert (again.answer, again.headline) == (asked.answer, asked.headline)
    assert sorted(Path("fresh/probes").glob("*/*/probe.json")) == probes


def test_a_run_with_the_locks_of_an_earlier_one_opens_boundaries_too(ask):
    asked = ask(helper={"1.0": WORKS, "2.0": FAILS}, toy=two(CALLS, CALLS))
    again = ask("--locks", str(Path("reports/latest").resolve()))
    assert again.answer == asked.answer


def test_releases_that_differ_in_themselves_alone_are_not_opened(ask):
    asked = ask(helper={"1.0": WORKS}, toy=two(CALLS, BREAKS, ("helper",), ("helper",)))
    assert asked.answer is None
    assert "exchanging" not in asked.done.stderr
    assert asked.headline.startswith("repro regressed: toy 1.2 broke the job: 1.1 is the last good release")


def test_a_failure_that_becomes_another_one_is_opened_too(ask):
    """1.2 is bad of its own; from 1.3 on a dependency fails before it, with another exception."""
    own = "import helper\ndef run():\n    helper.work()\n    assert False, 'planted'\n"
    toy = {"1.1": (CALLS, ("helper<2",)), "1.2": (own, ("helper<2",)), "1.3": (own, ("helper",))}
    asked = ask("--search", "sweep", helper={"1.0": WORKS, "2.0": FAILS}, toy=toy)
    (failure,) = [
        one for one in asked.arm["boundaries"] if one["signal"] == "failure" and one["before"] == "1.2"
    ]
    assert failure["kind"] == "changed"
    assert failure["dependencies"]["outcome"] == "dependencies"
    assert "toy 1.3 with helper 1.0 fails as toy 1.2 does" in asked.done.stdout


def test_a_flaky_job_names_nobody(ask):
    count = "1 + int(pathlib.Path(os.environ['HARNESS_TRACE']).parent.name.split('.')[1])"
    new = f"import os, pathlib\ndef run():\n    if {count} != 2: raise ValueError('planted')\n"
    asked = ask(
        "--search", "sweep", helper={"1.0": WORKS, "2.0": HARMLESS}, toy=two(CALLS, new, after=("helper",))
    )
    assert asked.boundary["confirmed"]
    assert (asked.answer["outcome"], asked.answer["flaky"], asked.answer["trials"]) == ("undecided", True, [])
    assert "cannot be told apart: executions of one environment disagree" in asked.headline


def test_ctrl_c_leaves_what_is_known_and_the_same_command_goes_on(ask, toy):
    waits = "import helper, os, time\ndef run():\n    while helper.X == 2 and os.path.exists('wait'): time.sleep(0.1)\n    helper.work()\n"
    index = ask.index
    for version, code in {"1.0": WORKS, "2.0": FAILS}.items():
        index.add("helper", wheel("helper", version, code, uploaded=DAYS[0]))
    for version, code, requires in (("1.1", waits, "helper<2"), ("1.2", CALLS, "helper")):
        index.add("toy", wheel("toy", version, code, (requires,), uploaded=DAYS[1]))
    Path("wait").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "bisect", "--package", "toy", "--", "python", "repro.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs yet
    )
    deadline = time.monotonic() + 120
    while not list(Path("fresh/locks").glob("mixture-*.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "toy 1.2, helper 2.0, or several of them broke the job" in out.splitlines()[0]
    assert "which of these changes did it was not tested" in out.splitlines()[0]
    Path("wait").unlink()
    assert ask().answer["outcome"] == "dependencies"


def test_a_number_that_a_dependency_changes(ask, toy):
    (toy / "repro.py").write_text('import toy\nprint(f"loss={toy.loss()}")\n', encoding="utf-8")
    reads = "import helper\ndef loss(): return helper.LOSS\n"
    asked = ask(
        *("--metric", "loss", "--expect", "<0.5"),
        helper={"1.0": "LOSS = 0.1\n", "2.0": "LOSS = 0.9\n"},
        toy=two(reads, reads),
    )
    assert (asked.answer["outcome"], asked.culprits) == ("dependencies", [("helper",)])
    assert "helper 2.0 (toy 1.2 requires helper>=2) broke the job" in asked.headline
