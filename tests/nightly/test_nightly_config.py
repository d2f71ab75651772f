"""nightly.toml: what it may say, and one clear complaint for everything else."""

from __future__ import annotations

import pytest

from harness import Axis, Holds, Job, Plan, Question, Subject
from harness.errors import UsageError
from harness.nightly.config import load_config

WATCH = '[[watch]]\nscenario = "toy"\n'


def load(folder, text):
    path = folder / "nightly.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def test_defaults(toy):
    config = load(toy, WATCH)
    (watch,) = config.watches
    assert (watch.package, [arm.name for arm in watch.arms]) == ("toy", ["plain"])
    assert watch.question == Question(
        subject=Subject(scenario="toy"),
        axes=(Axis(package="toy"),),
        job=Job(arms=("plain",)),
        plan=Plan(any_failure=True, quick_remedies=False),
    )
    assert watch.tries == 7
    assert (config.reports, config.publish, config.probes, config.minutes) == (
        toy / "reports",
        None,
        None,
        None,
    )


def test_every_key(toy):
    text = """
    reports = "out"
    publish = "site"
    title = "T"
    url = "https://example.org/"
    [budget]
    probes = 9
    minutes = 0.5
    [[watch]]
    scenario = "scenarios/toy"
    arms = ["plain", "scaled"]
    package = "Helper"
    pre = true
    from = "1.0"
    device = "cpu"
    torch = "cpu"
    seeds = 2
    cause = false
    fixes = true
    tries = 3
    repeat_baseline = true
    set = { steps = 9 }
    """
    config = load(toy, text)
    (watch,) = config.watches
    assert watch.question == Question(
        subject=Subject(scenario=str(toy / "scenarios" / "toy")),
        axes=(Axis(package="helper", first="1.0"),),
        holds=Holds(prereleases=True, device="cpu", torch="cpu"),
        job=Job(arms=("plain", "scaled"), settings=(("steps", 9),), seeds=2),
        plan=Plan(any_failure=True, cause=False, remedies=True),
    )
    assert (watch.package, watch.tries, watch.repeat_baseline) == ("helper", 3, True)
    assert [arm.parameters["steps"] for arm in watch.arms] == [9, 9]
    assert (config.probes, config.minutes, config.publish) == (9, 0.5, toy / "site")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing to watch: expected at least one [[watch]] table"),
        (
            "[watch]\nscenario = 'toy'",
            "watch = {'scenario': 'toy'}: expected [[watch]] tables, with two brackets",
        ),
        ("[[watch]]\narms = ['plain']", "the key watch[1].scenario is missing"),
        ("reprots = 'x'\n" + WATCH, "unknown key reprots (did you mean reports?)"),
        ("reports = 3\n" + WATCH, "reports = 3: expected text"),
        ("publish = ''\n" + WATCH, "publish = '': expected text"),
        ("budget = 3\n" + WATCH, "budget = 3: expected a table"),
        ("[budget]\nprobes = 0\n" + WATCH, "budget.probes = 0: expected a whole number above 0"),
        ("[budget]\nprobes = 1.5\n" + WATCH, "budget.probes = 1.5: expected a whole number above 0"),
        ("[budget]\nminutes = true\n" + WATCH, "budget.minutes = True: expected a number above 0"),
        ("[budget]\nhours = 1\n" + WATCH, "unknown key budget.hours"),
        (WATCH + "arm = 'plain'", "unknown key watch[1].arm (did you mean arms?)"),
        (WATCH + "arms = 'plain'", "watch[1].arms = 'plain': expected a list of names"),
        (WATCH + "arms = []", "watch[1].arms = []: expected a list of names"),
        (
            WATCH + "arms = ['fp8']",
            "watch[1].arms = ['fp8']: scenario toy has no arm 'fp8'; it has: plain, scaled",
        ),
        (WATCH + "from = 'new'", "watch[1].from = 'new': expected a version number such as 0.6.2"),
        (WATCH + "pre = 1", "watch[1].pre = 1: expected true or false"),
        (WATCH + "device = 'tpu'", "watch[1].device = 'tpu': expected one of auto, cpu, cuda"),
        (WATCH + "seeds = 0", "watch[1].seeds = 0: expected a whole number above 0"),
        (WATCH + "set = { steps = [1] }", "watch[1].set.steps = [1]: expected text, a number, true or false"),
        ("[[watch]]\nscenario = 'tow'", "watch[1].scenario = 'tow': no scenario 'tow'; did you mean toy?"),
        (WATCH + WATCH, "watch[1] and watch[2] both watch toy in arm plain of toy"),
        ("[[watch]\n", "not valid TOML"),
    ],
)
def test_one_clear_complaint(toy, text, said):
    with pytest.raises(UsageError) as raised:
        load(toy, text)
    assert str(raised.value).startswith(f"{toy / 'nightly.toml'}: ")
    assert said in str(raised.value)


def test_a_missing_file_says_what_the_least_is(toy, harness):
    done = harness("nightly", "--config", "nowhere.toml")
    assert done.returncode == 2
    assert "nowhere.toml: there is no such file" in done.stderr
    assert "[[watch]]" in done.stderr
