"""A located boundary is opened into its hunks: real wheels, real environments, overlays that are proven."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, wheel

from harness.descent.hunks import compiles, executed_lines, hunks, mixed, was_executed
from harness.descent.names import called, quoted, scope
from harness.descent.ties import name_ties, syntax_ties

GOOD = '''"""Says something."""

__version__ = "1.0"


def scale():
    return 2


def helper(value):
    return value + 1


def run():
    value = scale()
    assert helper(value) == 3, "wrong"


def unused():
    return "old"
'''
BAD = (
    GOOD.replace('"1.0"', '"1.1"').replace("return 2", "return 3").replace('"old"', '"new"')
    .replace("Says something", "Says more")
    + "\n\ndef added():\n    return 0\n"
)  # fmt: skip


@pytest.fixture
def descended(toy, harness, monkeypatch):
    """Locate a boundary between two releases of a toy package, descend, and return (what is printed, its hunks)."""

    def ask(releases, status=0):
        with ToyIndex() as index:
            monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
            monkeypatch.setenv("HARNESS_HOME", own_state(toy / "own"))
            for place, (code, day) in enumerate(zip(releases, DAYS, strict=False)):
                index.add("toy", wheel("toy", f"1.{place}", code, uploaded=day))
            (toy / "repro.py").write_text("import toy\ntoy.run()\n", encoding="utf-8")
            harness("bisect", "--package", "toy", "--", "python", "repro.py")
            done = harness("descend")
        assert done.returncode == status, done.stdout + done.stderr
        report = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))
        (boundary,) = [one for one in report["arms"][0]["boundaries"] if one["signal"] == "verdict"]
        return done.stdout, boundary["hunks"]

    return ask


def texts(hunk):
    return [line.strip() for line in hunk["before"]], [line.strip() for line in hunk["after"]]


def test_the_hunk_of_a_break_is_found_and_confirmed_both_ways(descended):
    said, found = descended([GOOD, BAD])
    assert found["conclusion"] == "found"
    ((part,),) = [one["parts"] for one in found["sets"]]
    assert [texts(hunk) for hunk in part] == [(["return 2"], ["return 3"])]
    ((cure,),) = [one["parts"] for one in found["taken_back"]]
    assert [texts(hunk) for hunk in cure] == [(["return 2"], ["return 3"])]
    assert all(one["confirmed"] for one in (*found["taken_back"], *found["sets"]))
    assert found["innocent"] is True
    assert found["executed"] < found["hunks"]
    assert "-    return 2\n                +    return 3" in said
    proof = "1 hunk, toy/__init__.py:7, applied to the good release brings the failure (confirmed)"
    assert proof in said
    for name in ("summary.md", "issue.md"):
        text = Path(f"reports/latest/{name}").read_text(encoding="utf-8")
        assert f"- {proof}." in text.replace("\\", "")
        assert "```diff\n@@ -7,1 +7,1 @@ toy/__init__.py\n-    return 2\n+    return 3\n```" in text
    page = Path("reports/latest/index.html").read_text(encoding="utf-8")
    assert f"<li>{proof}</li>" in page
    assert '<span class="good">+    return 3\n</span>' in page


def test_bad_input_is_one_clear_message(descended, harness):
    descended([GOOD, BAD])
    for words, said in (
        (("latest", "0.1..0.2"), "0.1..0.2: no such boundary is located in arm repro; there are: 1.0..1.1"),
        (("latest", "--arm", "other"), "--arm other: the run has no such arm; it has repro"),
    ):
        done = harness("descend", *words)
        assert done.returncode == 2
        assert said in done.stderr


def test_the_hunk_of_a_repair_is_found(descended):
    _, found = descended([BAD, GOOD])
    ((part,),) = [one["parts"] for one in found["sets"]]
    assert [texts(hunk) for hunk in part] == [(["return 3"], ["return 2"])]


def test_two_hunks_that_do_it_together(descended):
    both = GOOD.replace("return 2", "return 3").replace("value + 1", "value + (value == 3) * 5 + 1")
    half = GOOD.replace("assert helper(value) == 3", "assert helper(value) in (3, 4)")
    bad = both.replace("assert helper(value) == 3", "assert helper(value) in (3, 4)")
    _, found = descended([half, bad])
    ((*parts,),) = [one["parts"] for one in found["sets"]]
    assert [[texts(hunk)[1] for hunk in part] for part in parts] == [
        [["return 3"]],
        [["return value + (value == 3) * 5 + 1"]],
    ]


def test_either_of_two_hunks_suffices(descended):
    both = "def one():\n    return 2\n\n\ndef two():\n    return 2\n\n\ndef run():\n    assert one() == two() == 2\n"
    said, found = descended([both, both.replace("return 2", "return 3")])
    assert [[texts(hunk) for hunk in part] for one in found["sets"] for part in one["parts"]] == [
        [(["return 2"], ["return 3"])]
    ] * 2
    ((*parts,),) = [one["parts"] for one in found["taken_back"]]
    assert len(parts) == 2
    assert "taken back together in the bad release cure it; each of them is needed (confirmed)" in said


def test_hunks_that_need_each_other_are_read_from_the_files():
    good = {
        "toy/a.py": b"def run():\n    return 1\n",
        "toy/b.py": b"old = 1\n\n\ndef keep():\n    return old\n",
        "toy/c.py": b"x = 1\n",
    }
    bad = {
        "toy/a.py": b"from toy.b import fresh\n\n\ndef run():\n    return fresh()\n",
        "toy/b.py": b"def fresh():\n    return 3\n\n\ndef keep():\n    return fresh()\n",
        "toy/c/__init__.py": b"x = 1\n",
    }
    changes = hunks(good, bad)
    number = {(one.file, "".join(one.after).strip()): place for place, one in enumerate(changes)}
    brought = {
        (tuple(sorted(tie.applied)), tuple(sorted(tie.needed)))
        for tie in name_ties(changes, good, bad, older_is_bad=False)
    }
    imports = next(place for (file, text), place in number.items() if file == "toy/a.py" and "import" in text)
    defines = next(
        place for (file, text), place in number.items() if file == "toy/b.py" and "def fresh" in text
    )
    assert ((imports,), (defines,)) in brought
    package, module = number["toy/c/__init__.py", "x = 1"], number["toy/c.py", ""]
    assert {((package,), (module,)), ((module,), (package,))} <= brought


def test_hunks_without_which_a_file_cannot_be_compiled_go_together():
    good, bad = {"toy/a.py": b"a = 1\nb = 2\nc = 3\n"}, {"toy/a.py": b'a = """\nb = 2\nc = """\n'}
    changes = hunks(good, bad)
    assert len(changes) == 2
    assert not any(compiles(mixed(good, bad, changes, {number})["toy/a.py"]) for number in (0, 1))
    found = {(*tie.applied, *tie.needed) for tie in syntax_ties(changes, [0, 1], good, bad)}
    assert found == {(0, 1), (1, 0)}
    assert not compiles(b"def run(a, a):\n    pass\n")  # which a parser takes


def test_a_file_that_neither_release_needs_is_innocent():
    older = {"toy/a.py": b"x = 1\n", "toy/b.py": b"y = 1\n"}
    newer = {"toy/a.py": b"x = 2\n", "toy/c.py": b"z = 1\n"}
    changes = hunks(older, newer)
    assert [(one.file, one.whole) for one in changes] == [
        ("toy/a.py", False), ("toy/b.py", True), ("toy/c.py", True),
    ]  # fmt: skip
    assert mixed(older, newer, changes, {0, 1, 2}) == newer
    assert mixed(older, newer, changes, set()) == older
    assert mixed(older, newer, changes, {2}) == {**older, "toy/c.py": b"z = 1\n"}
    lines = executed_lines(older, {"toy/a.py": [1]})
    assert [was_executed(one, lines, {}) for one in changes] == [True, False, False]


def test_a_line_of_a_long_statement_counts_as_executed_with_it():
    tree = {"toy/a.py": b'"""Text."""\ncall(\n    1,\n    2,\n)\nif x:\n    y = 1\n'}
    assert executed_lines(tree, {"toy/a.py": [1, 2, 6]}) == {"toy/a.py": {2, 3, 4, 5, 6}}


def test_what_a_failure_names_is_read():
    message = "TypeError: Client.__init__() got an unexpected keyword argument 'proxies'"
    assert (quoted(message), called(message)) == (["proxies"], {"Client.__init__"})
    content = (
        b"class Client:\n    def __init__(self, a):\n        self.a = a\n\n\ndef other():\n    return 1\n"
    )
    assert [scope(content, line) for line in (1, 2, 3, 6)] == [
        "",
        "Client.__init__",
        "Client.__init__",
        "other",
    ]
