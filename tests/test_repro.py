"""A job becomes a script that stands alone: inlined, decided, made smaller, executed on both sides by uv alone."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.report.evidence import ProbeEvidence
from harness.report.model import ReleaseResult
from harness.repro.block import Head, dependencies_of, with_head
from harness.repro.checks import Check, check_of
from harness.repro.edits import Source
from harness.repro.inline import plain
from harness.repro.reduce import Reduction
from harness.repro.sides import same
from harness.repro.simplify import simplify
from harness.traces.trace import Trace
from harness.verdicts.exit_status import last_raised
from harness.verdicts.verdict import Judgement, Verdict

ROOT = Path(__file__).parent.parent
WITH_RECORDER = [
    ROOT / "scenarios/llama_seq_cls/job.py",
    ROOT / "harness/scenario/templates/lora.py",
    ROOT / "harness/scenario/templates/plain.py",
    ROOT / "tests/scenarios/toy/job.py",
]
FINITE = (
    'for name, parameter in $model.named_parameters():\n    assert parameter.isfinite().all(), f"{name}"\n'
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A = 1\nif A == 1:\n    print(A)\nelse:\n    print(2)\n", "A = 1\nprint(A)\n"),
        (
            "A = ''\nif A:\n    print(1)\nelif len('x') > 2:\n    print(2)\n",
            "if len('x') > 2:\n    print(2)\n",
        ),
        ("A = ''\nif len('x'):\n    print(1)\nelif A:\n    print(2)\n", "if len('x'):\n    print(1)\n"),
        ("A = True\nprint('a' if not A else 'b')\n", "print('b')\n"),
        ("A = 0.0\nx = 3\nif x and A:\n    print(x)\n", ""),
        ("A = None\nx = A or len('ab')\nprint(x)\n", "x = len('ab')\nprint(x)\n"),
        ("T = {'k': 1}\nK = ''\nprint(T.get(K, 'other'))\n", "print('other')\n"),
        (
            "import contextlib\nc = contextlib.nullcontext()\nwith c:\n    print(1)  # said\n",
            "print(1)  # said\n",
        ),
        ("from math import pi, tau\nprint(pi)\n", "from math import pi\nprint(pi)\n"),
        ("for _ in range(2):\n    pass\nprint(1)\n", "for _ in range(2):\n    pass\nprint(1)\n"),
        ("def f():\n    return 1\n\n\ndef g():\n    return f()\n\n\nprint(2)\n", "print(2)\n"),
        (
            "def f(a):\n    b = a + 1\n    return b\n\n\nx = len('ab')\nprint(f(x) * 2)\n",
            "x = len('ab')\nprint((x + 1) * 2)\n",
        ),
        (
            "def f(a):\n    return a\n\n\nx = len('ab')\ny = f(x)\nprint(y, y)\n",
            "x = len('ab')\nprint(x, x)\n",
        ),
        (
            "import os\n\n\ndef f(a):\n    k = os.path.join\n    return k(a, a)\n\n\nb = input()\nprint(f(b))\n",
            "import os\n\nb = input()\nprint(os.path.join(b, b))\n",
        ),
        ("def f(a):\n    return a\n    return len(a)\n\n\nprint(f('x'))\n", "print('x')\n"),
        ("def f():\n    return {'a': 1, 'b': 2}\n\n\nprint(**f(), end='')\n", "print(a=1, b=2, end='')\n"),
        (
            "A = 1\nif len('x'):\n    print(1)\nelif A:\n    print(2)\nelse:\n    print(3)\n",
            "if len('x'):\n    print(1)\nelse:\n    print(2)\n",
        ),
        ("A = 1\nif len('x'): print(1)\nelif A: print(2)\n", "if len('x'): print(1)\nelse:\n    print(2)\n"),
        (
            "A = 0\nif len('x'):\n    print(1)\nelif A:\n    print(2)\nelif len('y'):\n    print(3)\n",
            "if len('x'):\n    print(1)\nelif len('y'):\n    print(3)\n",
        ),
        (
            "A = 0\nif len('x'):\n    print(1)\nelif A:\n    print(2)\nelse:\n    print(3)\n",
            "if len('x'):\n    print(1)\nelse:\n    print(3)\n",
        ),
        (
            "A = ''\nprint(A or None, None if A else True)\n",
            "print(None, True)\n",
        ),
        ("if len('x'):\n    pass\n    print(1)\n", "if len('x'):\n    print(1)\n"),
    ],
)
def test_what_settings_decide_goes(before, after):
    assert simplify(before).strip() == after.strip()


@pytest.mark.parametrize(
    "text",
    [
        "def f(a):\n    return [x for x in a]\n\n\nx = [input()]\nprint(f(x), x)\n",
        "y = input()\n\n\ndef f(a):\n    return a + y\n\n\ndef g(y):\n    y += 'b'\n    return f(y)\n\n\nprint(g(y), y)\n",
        "def f(a):\n    return a\n\n\nprint(f(1), f(2))\n",
        "def f(a):\n    return f(a - 1)\n\n\nprint(2)\n\n\nprint(f)\n",
        "x = input()\ny = x\nfor x in range(2):\n    print(y)\n",
        "x = 0\nfor _ in range(3):\n    y = x\n    x = y + 1\n    print(y)\n",
        "print(a=1, **{'a': 2})\n",
        "class A(dict):\n    size = 2\n\n    def __missing__(self, key):\n        return key\n\n\nprint(A()[1])\n",
        "import atexit\n\n\n@atexit.register\ndef f():\n    print(1)\n",
        "print(**{'a b': 2})\n",
        "from __future__ import annotations\n\nA = print(1)\nB = 'x'\nif A < 2 or B < 2:\n    print(A, B, A)\n",
    ],
)
def test_what_would_mean_something_else_in_another_place_stays(text):
    assert ast.dump(ast.parse(simplify(text))) == ast.dump(ast.parse(text))


@pytest.mark.parametrize("job", WITH_RECORDER, ids=lambda path: path.parent.name + "/" + path.name)
def test_every_job_with_a_recorder_becomes_a_plain_script(job):
    text = simplify(plain(job.read_text(encoding="utf-8"), {"seed": 7}, Check(weights=FINITE)))
    tree = ast.parse(text)
    names = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
    assert not {"harness_recorder", "Recorder", "recorder", "settings", "config"} & names
    assert "harness" not in {
        name.split(".")[0] for name in re.findall(r"^(?:import|from) (\S+)", text, re.MULTILINE)
    }
    assert ("isfinite" in text) == ("torch" in job.read_text(encoding="utf-8"))


def test_settings_stand_on_top_with_their_comments():
    text = plain(
        'from harness_recorder import settings\nc = settings({\n    "lr": 0.1,  # the rate\n    "name": "a",\n})\n'
        "print(c.lr, c.name)\n",
        {"name": "b"},
        Check(),
    )
    assert text == 'LR = 0.1  # the rate\nNAME = "b"\nprint(LR, NAME)\n'


def test_what_has_no_plain_lines_is_refused():
    with pytest.raises(UsageError, match=r"TraceCallback.*repro.* knows plain lines for"):
        plain("from harness_recorder.transformers import TraceCallback\n", {}, Check())


@pytest.mark.parametrize(
    "block",
    [
        "Recorder() as r, open('x') as f",
        "open('x') as f, Recorder() as r",
        "\\\n    Recorder() as r, open('x') as f",
    ],
)
def test_what_is_open_beside_the_recorder_stays_open(block):
    job = f"from harness_recorder import Recorder\n\n# both\nwith {block}:\n  r.begin(None)\n  # read\n  print(f.read())\n"
    assert plain(job, {}, Check()).strip() == "with open('x') as f:\n    # read\n    print(f.read())"


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (
            "from harness_recorder import settings\nn = 'a'\nc = settings({n: 1})\n",
            "computes the names of its settings",
        ),
        (
            "from harness_recorder import Recorder\nwith Recorder() as r:\n    print(r.step(1))\n",
            r"uses the value of recorder.step\(...\)",
        ),
        (
            "import harness\nx = [harness.record('a', 1)]\n",
            r"harness.record\('a', 1\) is part of an expression",
        ),
        ("print('acc =', 1)\n", "where the script prints acc cannot be seen"),
        ("for x in [1]: print(f'acc={x}')\n", "where the script prints acc cannot be seen"),
        ("print(f'macc={1}')\n", "where the script prints acc cannot be seen"),
    ],
)
def test_what_cannot_be_written_out_is_refused(job, said):
    with pytest.raises(UsageError, match=said):
        plain(job, {}, Check(signal="acc", end="assert $value\n"))


def test_a_script_that_reads_its_arguments_gets_them():
    text = plain(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr')\nprint(1 / (p.parse_args().lr != '0.1'))\n",
        {},
        Check(),
        words=["--lr", "0.1"],
    )
    assert executed(text) == "ZeroDivisionError: division by zero"
    assert plain("print(1)\n", {}, Check(), words=["--lr", "0.1"]) == "print(1)\n"


def test_arguments_and_items_go_with_their_commas():
    source = Source("f(\n    1,\n    a=2,  # two\n    b=3,\n)\n")
    call = source.tree.body[0].value
    items = [source.span(one) for one in (*call.args, *call.keywords)]
    for at, left in ((2, {"a"}), (1, {"b"})):
        text = source.edited([source.drop_item(call, items, at)])
        assert {one.arg for one in ast.parse(text).body[0].value.keywords} == left
    alone = Source("f(a=1, )\n")
    call = alone.tree.body[0].value
    assert alone.edited([alone.drop_item(call, [alone.span(call.keywords[0])], 0)]) == "f()\n"


def executed(text: str) -> str:
    return (
        subprocess.run([sys.executable, "-c", text], check=False, capture_output=True, text=True)
        .stderr.strip()
        .rpartition("\n")[2]
    )


def test_a_script_is_made_smaller_while_it_fails_alike():
    text = (
        "STEPS = 64\nWIDTH = 8\n\n\ndef unused():\n    return 1\n\n\ndef make(a=1, b=2, c=3):\n    return a * b\n\n\n"
        "x = make(a=2, b=3, c=4)\ny = [0] * WIDTH\nprint(len(y))\nfor step in range(STEPS):\n    y.append(step)\n"
        "assert STEPS < 3, 'too many steps'\n"
    )
    wanted = executed(text)
    reduction = Reduction(lambda one: executed(one) == wanted, text, 60)
    assert reduction.run() == "STEPS = 4\n\nassert STEPS < 3, 'too many steps'\n"
    assert reduction.path[0] == "STEPS 64 -> 4"
    assert reduction.tried <= 60


def test_a_comment_goes_with_an_argument_that_it_may_speak_of():
    text = "# every value is set\nx = dict(a=1, b=2)\n# all is well\nassert 'b' not in x, 'b is there'\n"
    reduction = Reduction(lambda one: executed(one) == "AssertionError: b is there", text, 9)
    assert reduction.run() == "x = dict(b=2)\n# all is well\nassert 'b' not in x, 'b is there'\n"


def test_nothing_is_executed_where_no_trial_is_allowed():
    reduction = Reduction(lambda _text: pytest.fail("executed"), "A = 2\n", 0)
    assert reduction.run() == "A = 2\n"


def side(version, trace=None, fingerprint=None):
    return ReleaseResult(version, None, "", "", fingerprint=fingerprint), ProbeEvidence(trace or Trace())


def test_the_check_names_the_weight_whatever_a_wrapper_calls_it():
    fingerprint = {"kind": "non-finite weight", "parameter": "model.q_proj.lora_A.weight"}
    check = check_of({"kind": "training"}, side("1"), side("2", fingerprint=fingerprint))
    raw = "AssertionError: non-finite weight: base_model.model.model.q_proj.lora_A.default.weight"
    assert re.search(check.error_matches, raw)
    assert not re.search(check.error_matches, raw.replace("q_proj", "v_proj"))


def test_the_check_of_a_metric_lies_between_both_sides():
    both = [side(version, Trace(records={"loss": [value]})) for version, value in (("1", 0.25), ("2", 0.5))]
    check = check_of({"kind": "metric", "signal": "loss"}, *both)
    text = plain('value = 0.5\nprint(f"loss={value + 0:.2f}")\n', {}, check)
    assert text.startswith('value = 0.5\nloss = value + 0\nprint(f"loss={loss:.2f}")\n')
    assert executed(text) == "AssertionError: loss is 0.5, in place of 0.25"
    assert executed(text.replace("value = 0.5", "value = 0.3")) == ""


def metrics(good, bad):
    return [side(version, Trace(records={"acc": series})) for version, series in (("1", good), ("2", bad))]


LOOP = "import harness\n\nfor value in VALUES:\n    harness.record('other', 1)\n    harness.record('acc', value)\n"
PRINTED = 'acc = "kept"\n\n\ndef main():\n    for value in VALUES:\n        print(f"acc={value * 1:.3f}")\n\n\nmain()\nassert acc == "kept"\n'
INDENTED = "import json, harness\n\nfor value in VALUES:\n    harness.record(name='acc', value=value)\n"


@pytest.mark.parametrize("job", [LOOP, PRINTED, INDENTED], ids=["record", "print", "keywords"])
@pytest.mark.parametrize(
    ("settings", "good", "bad", "said"),
    [
        ({"window": 2}, [9.0, 1.0, 2.0], [9.0, 2.0, 4.0], "acc is 3.0, in place of 1.5"),
        ({"window": 1}, [9.0, 1.0, 2.0], [2.0, 2.0, 4.0], "acc is 4.0, in place of 2.0"),
        ({}, [0.5, 1.5], [0.5, float("nan")], "acc is nan, in place of 1.0"),
        ({"expect": " <2"}, [1.0, 2.0], [1.0, 3.0], "acc is 2.0, expected < 2.0"),
        ({"expect": "<1.25", "window": 2}, [1.0, 1.0], [1.0, 2.0], "acc is 1.5, expected < 1.25"),
        ({"expect": "!=0"}, [1.0, 1.0], [1.0, float("inf")], "acc is inf, in place of 1.0"),
    ],
)
def test_the_check_of_a_metric_judges_what_the_oracle_does(job, settings, good, bad, said):
    """Mean of the last values, not-a-number, and where the value stands in a loop or in a function."""
    oracle = {"kind": "metric", "signal": "acc", **settings}
    sides = metrics(good, bad)
    check = check_of(oracle, *sides)
    text = plain(job.replace("VALUES", "[float(one) for one in sys.argv[1].split(',')]"), {}, check)
    assert "harness" not in text
    found = [
        executed(f"import sys\nsys.argv[1:] = {[','.join(map(str, values))]}\n{text}")
        for values in (good, bad)
    ]
    assert found == ["", f"AssertionError: {said}"]
    assert re.search(check.error_matches, found[1])


def test_a_metric_of_the_harness_is_no_line_of_a_script():
    with pytest.raises(UsageError, match="python_calls is what the harness itself measures"):
        check_of({"kind": "metric", "signal": "python_calls"}, *metrics([1.0], [2.0]))


def failing(code: str, failure: str, **settings):
    """Return the check of a plain script that failed, and what the script says with it."""
    check = check_of(
        {"kind": "metric", "signal": "acc", **settings}, side("1"), side("2", None, {"kind": failure})
    )
    return check, executed(plain(code, {}, check))


def test_how_a_script_ends_is_judged_before_its_metric():
    assert failing("exit(3)\n", "exit status 3")[0] == Check()
    wanted = {"bad_when_stdout_matches": "loss=nan$"}
    check, said = failing("print('loss=1')\nprint('loss=nan')\n", "output matches", **wanted)
    assert said == "AssertionError: the output has 'loss=nan'"
    assert re.search(check.error_matches, said)
    assert "re.search('loss=nan$', " in check.end
    assert failing("print('loss=nano')\n", "output matches", **wanted)[1] == ""
    raised = side("2", Trace(error={"exception": "E", "message": "loss=nan"}), {"kind": "output matches"})
    assert check_of({"kind": "exit-status", **wanted}, side("1"), raised) == Check(error_matches="loss=nan$")


def test_the_check_of_a_loss_that_does_not_fall_takes_the_mean_of_the_last_ones():
    job = (
        "from harness_recorder import Recorder\n\nwith Recorder() as recorder:\n    recorder.begin(None, None)\n"
        "    for loss in [9.0, 1.0, 2.0]:\n        recorder.forward(loss)\n        recorder.step()\n"
    )
    fingerprint = {"kind": "loss not learnt"}
    for bound, said in ((1.5, "AssertionError: the loss does not fall: 1.5 is not below 1.5"), (1.6, "")):
        oracle = {"kind": "training", "loss_below": bound, "loss_window": 2}
        check = check_of(oracle, side("1"), side("2", None, fingerprint))
        assert executed(plain(job, {}, check)) == said
        assert not said or re.search(check.error_matches, said)


@pytest.fixture
def output_sides(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "harness/recorder"))
    leaves = importlib.import_module("harness_recorder.outputs").leaves

    def sides(name, good, bad):
        traces = [
            Trace(outputs=tuple({"values": [], **leaf} for leaf in leaves(name, value)))
            for value in (good, bad)
        ]
        return side("1", traces[0]), side("2", traces[1], {"kind": "output differs", "parameter": name})

    return sides


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (1.5, 2.5, "logits is 2.5, in place of 1.5"),
        ([1.0, 2.0, 3], [1.0, 2.1, 5], "logits is 5.0, in place of 3.0"),
        ([1.0, 2.0], [1.0, float("nan")], "logits is nan, in place of 2.0"),
        (float("inf"), 3.0, "logits is 3.0, in place of inf"),
    ],
)
def test_the_check_of_an_output_judges_the_value_that_differs_most(output_sides, good, bad, said):
    check = check_of({"kind": "output"}, *output_sides("logits", good, bad))
    text = plain("import harness\n\ninf = nan = None\nharness.output('logits', VALUE)\n", {}, check)
    shown = [text.replace("VALUE", re.sub("(nan|inf)", r"float('\1')", repr(value))) for value in (good, bad)]
    assert [executed(one) for one in shown] == ["", f"AssertionError: {said}"]
    assert re.search(check.error_matches, f"AssertionError: {said}")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("text", "a", "b"), ("logits", [1.0], [1.0, 2.0]), ("eval.logits", 1.0, 2.0), ("logits", 1, 1.5)],
)
def test_an_output_that_is_no_plain_number_is_refused(output_sides, name, good, bad):
    with pytest.raises(UsageError, match=f"output {name} is no number"):
        check_of({"kind": "output"}, *output_sides(name, good, bad))


def test_the_check_of_a_warning_is_one_that_counts():
    """What the oracle ignores is passed over, and what it looks for may differ from the good side's in a number alone."""
    heard = [
        {"category": "FutureWarning", "message": said, "where": "x", "count": 1}
        for said in ("an old thing goes", "another thing goes in 3")
    ]
    bad = side("2", Trace(warnings=tuple(heard)), {"kind": "warning FutureWarning"})
    good = side("1", Trace(warnings=({**heard[1], "message": "another thing goes in 2"},)))
    assert check_of({"kind": "warnings", "ignore": "old"}, side("1"), bad).error_matches == re.escape(
        "another thing goes in"
    )
    with pytest.raises(UsageError, match="can tell the FutureWarning"):
        check_of({"kind": "warnings", "ignore": "old", "by": "message"}, good, bad)
    wanted = {"kind": "warnings", "matches": "goes in 3"}
    assert check_of(wanted, good, bad).error_matches == re.escape("another thing goes in")


def test_a_block_that_recorded_only_gets_pass():
    job = "import harness\n\nfor one in [1]:\n    harness.record('a', one)\n    harness.record('b', one)\nprint(2)\n"
    assert plain(job, {}, Check()).lstrip() == "for one in [1]:\n    pass\nprint(2)\n"


def test_the_check_of_a_warning_is_a_filter():
    warning = {"category": "FutureWarning", "message": "\nAll of `this` 2 will go", "where": "x", "count": 1}
    bad = side("2", Trace(warnings=(warning,)), {"kind": "warning FutureWarning"})
    text = plain(
        "import warnings\nwarnings.warn('\\nAll of `this` 3 will go', FutureWarning)\n",
        {},
        check_of({"kind": "warnings"}, side("1"), bad),
    )
    assert text.count("import warnings") == 1
    assert executed(text) == "All of `this` 3 will go"
    other = text.replace("3 will go", "3 will stay")
    assert subprocess.run([sys.executable, "-c", other], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("text", "raised"),
    [
        ("assert False", {"exception": "AssertionError", "message": ""}),
        ("assert False, 'so'", {"exception": "AssertionError", "message": "so"}),
        (
            "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise StopIteration",
            {"exception": "StopIteration", "message": ""},
        ),
        ("print('Traceback (most recent call last) of'); print('Done'); exit(1)", None),
    ],
)
def test_what_a_script_raised_is_read_from_its_output_with_a_message_or_without(text, raised):
    done = subprocess.run([sys.executable, "-c", text], check=False, capture_output=True, text=True)
    assert last_raised(f"{done.stdout}\n{done.stderr}") == raised


def test_a_failure_whose_message_has_an_address_is_the_same_one():
    one, other, third = (
        Judgement(Verdict.BAD, f"ValueError: {said}")
        for said in ("no <f at 0x7f0a12bc>", "no <f at 0x55d0ffe0>", "no <g at 0x7f0a12bc>")
    )
    assert same(one, other)
    assert not same(one, third)


def test_an_oracle_that_no_few_lines_can_tell_is_refused():
    with pytest.raises(UsageError, match="the oracle performance judges what no few lines"):
        check_of({"kind": "performance", "signal": "wall_seconds"}, side("1"), side("2"))


def test_pins_are_those_of_both_sides_and_never_the_package_itself():
    locks = [
        {"toy": "1", "numpy": "2.0", "torch": "2.13.0+cpu", "moved": "1"},
        {"toy": "2", "numpy": "2.0", "torch": "2.13.0+cpu", "moved": "2"},
    ]
    found = dependencies_of("import numpy\nimport moved\nimport toy\n", ["torch[x]>=2"], locks, "toy")
    assert found == ["numpy==2.0", "torch[x]==2.13.0"]


def test_the_head_replaces_block_and_docstring():
    head = Head(
        dependencies=["a==1"],
        python="3.11",
        said="It works: with p 1, and not with 2.",
        commands={"1": ["uv", "run", "repro.py"]},
    )
    text = with_head('# /// script\n# dependencies = []\n# ///\n"""Old."""\n\nprint(1)\n', head)
    assert text == (
        '# /// script\n# requires-python = "==3.11.*"\n# dependencies = [\n#     "a==1",\n# ]\n# ///\n'
        '"""It works: with p 1, and not with 2.\n\n    uv run repro.py\n"""\n\nprint(1)\n'
    )


def test_a_scenario_becomes_one_script_that_upstream_can_run(toy, harness):
    harness("bisect", "toy", "--from", "1.1", "--to", "2.0")
    done = harness("repro", "latest", "--to", "alone", "--trials", "30")
    assert done.returncode == 0, done.stdout + done.stderr
    text = Path("alone/repro.py").read_text(encoding="utf-8")
    assert "harness" not in text.partition('"""')[2].partition('"""')[2]
    assert "uv run --with toy==1.1 repro.py" in text
    assert "exit status 1" in done.stdout
    assert "non-finite loss: nan" in done.stdout
    report = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))
    (boundary,) = [one for one in report["arms"][0]["boundaries"] if one["signal"] == "verdict"]
    assert boundary["repro"]["script"] == text
    assert (boundary["repro"]["good"]["status"], boundary["repro"]["bad"]["status"]) == (0, 1)
    issue = Path("reports/latest/issue.md").read_text(encoding="utf-8")
    before, _, rest = issue.partition("<details>")
    assert len(before.splitlines()) <= 60
    assert rest.index("repro.py") < rest.index("$ uv run --with toy==1.1") < rest.index("How this was found")
    assert issue.count("<details") == issue.count("</details>")


def test_a_script_that_does_not_show_it_ends_with_3(toy, harness):
    (toy / "repro.py").write_text(
        '"""A toy.\n\nMore of it."""\n'
        "import os, toy\nassert 'HARNESS_TRACE' not in os.environ or toy.loss(3) == toy.loss(3)\n",
        encoding="utf-8",
    )
    harness("bisect", "--package", "toy", "--with", "helper==1.0", "--from", "1.1", "--to", "2.0", "repro.py")
    done = harness("repro", "latest", "--to", "alone")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "repro.py does not show it with 2.0" in done.stdout
    text = Path("alone/repro.py").read_text(encoding="utf-8")
    assert '"""A toy. It works with toy 1.1, and fails with 2.0.' in text


def test_a_question_without_such_a_script_is_refused(toy, harness):
    harness(
        "bisect",
        "--package",
        "toy",
        "--with",
        "helper==1.0",
        "--from",
        "1.1",
        "--to",
        "2.0",
        "--",
        "bash",
        "-c",
        "python -c 'import toy; toy.loss(3) == toy.loss(3) or exit(1)'",
    )
    done = harness("repro", "latest")
    assert done.returncode == 2
    assert "only a script of Python's can stand alone" in done.stderr
    harness("bisect", "toy", "--from", "1.0", "--to", "1.1")
    done = harness("repro")
    assert done.returncode == 2
    assert "arm plain is always-good: no boundary in verdict is located in it" in done.stderr


def test_what_a_script_needs_outside_of_a_probe_alone_stays(toy, harness, monkeypatch):
    """A probe has one thread anyway, so there the line that asks for it can go; a reader's shell says nothing of it."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("PIP_FIND_LINKS", str(toy))
    (toy / "scenarios/toy/job.py").write_text(
        'import os\n\nimport toy\n\nprint("a word")\nos.environ["OMP_NUM_THREADS"] = "1"\nprint("another word")\n'
        'loss = toy.loss(3) / (os.environ.get("OMP_NUM_THREADS") == "1")\nassert loss == loss\n',
        encoding="utf-8",
    )
    toml = toy / "scenarios/toy/scenario.toml"
    text = toml.read_text(encoding="utf-8").partition("[parameters]")[0]
    toml.write_text(
        text + 'command = ["python", "job.py"]\n\n[arms.check]\n\n[oracle]\nkind = "exit-status"\n',
        encoding="utf-8",
    )
    harness("bisect", "toy", "--from", "1.1", "--to", "2.0")
    done = harness("repro", "latest", "--to", "alone", "--trials", "30")
    assert done.returncode == 0, done.stdout + done.stderr
    text = Path("alone/repro.py").read_text(encoding="utf-8")
    assert 'os.environ["OMP_NUM_THREADS"] = "1"' in text
    assert "word" not in text
    assert "statements left out: 7 -> 5 lines" in done.stdout
    assert (
        f"typed on this machine, the commands need what uv was given here: UV_FIND_LINKS={toy}" in done.stderr
    )
