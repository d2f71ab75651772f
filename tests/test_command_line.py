"""Every command and option is described, starts quickly, and stands in the README."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import VERBS, parser

README = Path(__file__).parent.parent / "README.md"


def verbs():
    (action,) = [one for one in parser()._actions if isinstance(one, argparse._SubParsersAction)]
    return action.choices


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_help_and_stands_in_the_readme(verb):
    text = README.read_text(encoding="utf-8")
    assert f"harness {verb}" in text
    for action in verbs()[verb]._actions:
        assert action.help, f"{verb} {action.option_strings or action.dest} has no help"
        for option in action.option_strings:
            assert option in text or option in {"-h", "--help"}, f"the README lacks {verb} {option}"


def test_start_up_imports_nothing_heavy():
    code = (
        "import sys; from harness.cli import parser; parser().format_help();"
        "print([m for m in ('pandas', 'matplotlib', 'numpy', 'jinja2', 'requests', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_no_registry_or_machine_is_named_in_the_code():
    root = README.parent
    for path in [*root.glob("harness/**/*.py"), *root.glob("scenarios/**/*.py"), root / "noxfile.py", README]:
        text = path.read_text(encoding="utf-8")
        for word in ("pythonhosted", "pypi.org", "/root/", "/opt/"):
            assert word not in text, f"{path} names {word}"
