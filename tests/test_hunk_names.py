"""What hunks have to do with each other by their names: read from an error, from definitions, and from imports."""

from __future__ import annotations

import pytest

from harness.descent.hunks import hunks, mixed
from harness.descent.names import defines_for, learnt, outside_imports


def cut(before, after):
    """Return the hunks between two trees of files, given as texts."""
    return hunks(*({file: text.encode() for file, text in tree.items()} for tree in (before, after)))


CALLED = (
    "def helper():\n    return 1\n\n\nclass Box:\n    pass\n\n\ndef run():\n    return 1\n",
    "def helper(fast):\n    return 1\n\n\nclass Box:\n    size = 2\n\n\ndef run():\n    return helper(fast=Box.size)\n",
)
"""0: helper's parameter. 1: Box's attribute. 2: run uses both."""
MOVED = (
    {"p/a.py": "def old():\n    return 1\n\n\ny = 0\n\n\nx = old()\n", "p/b.py": "z = 1\n"},
    {"p/a.py": "y = 0\n\n\nx = 2\n", "p/b.py": "import p.new\n", "p/new.py": "w = 1\n"},
)
"""0: old goes. 1: its use goes. 2: b imports the new module. 3: the new module."""


@pytest.mark.parametrize(
    ("message", "applied", "tie"),
    [
        ("helper() got an unexpected keyword argument 'fast'", {2}, ({2}, {0})),
        ("helper() got an unexpected keyword argument 'fast'. Did you mean 'Box'?", {2}, ({2}, {0})),
        ("helper() missing 1 required positional argument: 'fast'", {0}, ({0}, {2})),
        ("type object 'Box' has no attribute 'size'", {2, 0}, ({2}, {1})),
        ("'Box' object has no attribute 'size'", {2, 0}, ({2}, {1})),
        ("name 'nothing' is not defined", {2}, None),
        ("no name is quoted", {2}, None),
    ],
)
def test_who_uses_a_name_that_is_lacking_needs_who_brings_it(message, applied, tie):
    changes = cut(*({"p/a.py": text} for text in CALLED))
    assert len(changes) == 3
    found = [(set(one.applied), set(one.needed)) for one in learnt(message, changes, applied)]
    assert found == ([tie] if tie else [])


@pytest.mark.parametrize(
    ("message", "applied", "tie"),
    [
        ("name 'old' is not defined", {0}, ({0}, {1})),
        ("No module named 'p.new'", {2}, ({2}, {3})),
        ("cannot import name 'new' from 'p' (/somewhere/p/__init__.py)", {2}, ({2}, {3})),
    ],
)
def test_what_goes_needs_that_its_uses_go_and_a_module_its_file(message, applied, tie):
    changes = cut(*MOVED)
    assert len(changes) == 4
    assert [(set(one.applied), set(one.needed)) for one in learnt(message, changes, applied)] == [tie]


@pytest.mark.parametrize(
    "message",
    [
        "'Box' object has no attribute 'gone'",
        "type object 'Box' has no attribute 'gone'",
        "module 'p.Box' has no attribute 'gone'",
        "cannot import name 'gone' from 'p.Box' (/somewhere/p/Box.py)",
        "cannot import name 'gone' from partially initialized module 'p.Box' (most likely due to a circular import)",
        "No module named 'p.gone'; 'p.Box' is not a package",
    ],
)
def test_what_is_there_but_lacks_a_name_ties_nothing(message):
    changes = cut(
        {"p/a.py": "x = 1\n", "p/b.py": "y = 1\n"},
        {"p/a.py": "x = Box()\n", "p/b.py": "from p.c import Box\n"},
    )
    assert learnt(message, changes, {0}) == []
    assert learnt("name 'Box' is not defined", changes, {0})


def test_who_defines_a_name_for_a_hunk_is_found():
    before = {
        "p/a.py": "def first():\n    pass\n\n\ny = 2\nz = value\n",
        "p/b.py": "if other == 1:\n    pass\n",
    }
    after = {
        "p/a.py": "def second():\n    pass\n\n\ny = 2\nz = second(value)\n",
        "p/b.py": "if value == 2:\n    pass\n",
    }
    changes = cut(before, after)
    assert [one.after[0] for one in changes] == ["def second():\n", "z = second(value)\n", "if value == 2:\n"]
    assert defines_for(changes, 1, older_is_bad=False) == [0]
    assert defines_for(changes, 1, older_is_bad=True) == []
    assert defines_for(changes, 0, older_is_bad=True) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("import os\n", "import sys\n", True),
        ("", "from math import pi\n", True),
        ("import numpy as np\n", "import numpy as np2\n", True),
        ("    from math import pi\n", "    from math import tau\n", True),
        ("import numpy as np\n", "import jax.numpy as np\n", False),
        ("from math import pi\n", "from cmath import pi\n", False),
        ("import os\n", "import p.other\n", False),
        ("import os\n", "from p import other\n", False),
        ("from . import one\n", "from . import two\n", False),
        ("import os\n", "x = 1\n", False),
        ("import os\n", "from os import (\n", False),
        ("", "from math import *\n", False),
        ("import os\n", "from __future__ import annotations\n", False),
    ],
)
def test_imports_from_outside_stand_side_by_side(before, after, expected):
    trees = [{"p/a.py": f"'''Says what it is.'''\n{text}\n\n'x'\n".encode()} for text in (before, after)]
    (change,) = hunks(*trees)
    assert outside_imports(change, {"p"}) is expected
    if expected:
        both = mixed(*trees, [change], (), {0})["p/a.py"].decode()
        assert before in both
        assert after in both


def test_a_file_that_comes_or_goes_is_no_import():
    (change,) = cut({}, {"p/a.py": "import os\n"})
    assert not outside_imports(change, {"p"})
