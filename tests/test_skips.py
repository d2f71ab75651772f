"""The kind of a skip is a fact, set where the skip is made."""

from __future__ import annotations

import pytest

from harness.probes.probe import Execution
from harness.traces.trace import Trace
from harness.verdicts.judge import judge
from harness.verdicts.skips import not_imported, unresolvable
from harness.verdicts.verdict import SkipKind, Verdict

ABI = "Because toy==1.0 has no wheels with a matching Python ABI tag (e.g., `cp311`), toy cannot be used."
OLD = "Because the current Python version (3.11.9) does not satisfy Python>=3.12, toy cannot be used."
PINS = (
    "Because toy==1.0 depends on helper>=2 and you require helper==1.0, the requirements are unsatisfiable."
)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [(ABI, SkipKind.WRONG_PYTHON), (OLD, SkipKind.WRONG_PYTHON), (PINS, SkipKind.UNRESOLVABLE)],
)
def test_a_release_without_anything_for_this_python_is_told_from_one_that_contradicts_the_pins(reason, kind):
    judgement = unresolvable(reason)
    assert (judgement.verdict, judgement.skip_kind) == (Verdict.SKIP, kind)
    assert reason in judgement.reason


@pytest.mark.parametrize(
    ("message", "module", "reason"),
    [
        ("No module named 'pkg_resources'", "pkg_resources", "No module named 'pkg_resources'"),
        (
            "cannot import name 'triu' from 'scipy.linalg' (/env/1/site-packages/scipy/linalg/__init__.py)",
            "",
            "cannot import name 'triu' from 'scipy.linalg'",
        ),
    ],
)
def test_an_import_that_fails_names_the_module_and_not_the_place_of_an_environment(message, module, reason):
    judgement = not_imported(f"ImportError: {message}", {"exception": "ImportError", "message": message})
    assert judgement.skip_kind == SkipKind.IMPORT_ERROR
    assert judgement.module == module
    assert judgement.reason == f"cannot be imported: ImportError: {reason}"


BY_EXIT = {"kind": "exit-status"}
FAILED = Trace(error={"exception": "KeyError", "message": "'x'", "raised_in": "helper"})


@pytest.mark.parametrize(
    ("execution", "trace", "settings", "kind", "exception"),
    [
        (Execution("timeout", 0, 5, 0), Trace(), {}, SkipKind.OUT_OF_TIME, None),
        (Execution("signal", 9, 5, 0), Trace(), {}, SkipKind.KILLED, None),
        (
            Execution("exit", 1, 5, 0),
            Trace(error={"exception": "MemoryError", "message": "", "out_of_memory": True}),
            {},
            SkipKind.OUT_OF_MEMORY,
            None,
        ),
        (Execution("exit", 125, 5, 0), Trace(), BY_EXIT, SkipKind.ASKED, None),
        (
            Execution("exit", 1, 5, 0),
            FAILED,
            {**BY_EXIT, "error_matches": "sign"},
            SkipKind.OTHER_FAILURE,
            "KeyError",
        ),
        (
            Execution("exit", 1, 5, 0),
            FAILED,
            {**BY_EXIT, "bad_when_stdout_matches": "sign"},
            SkipKind.OTHER_FAILURE,
            "KeyError",
        ),
        (
            Execution("exit", 1, 5, 0),
            FAILED,
            {"kind": "exception", "bad": "ValueError"},
            SkipKind.OTHER_FAILURE,
            "KeyError",
        ),
        (Execution("exit", 1, 5, 0), FAILED, {"kind": "training"}, SkipKind.BEFORE_TRAINING, None),
    ],
)
def test_every_skip_has_its_kind_and_another_failure_its_name(execution, trace, settings, kind, exception):
    judgement = judge(execution, trace, settings, "")
    assert (judgement.verdict, judgement.skip_kind) == (Verdict.SKIP, kind)
    assert (judgement.fingerprint and judgement.fingerprint.exception) == exception


def test_a_bad_verdict_keeps_the_package_that_raised_the_error():
    judgement = judge(Execution("exit", 1, 5, 0), FAILED, BY_EXIT, "")
    assert (judgement.verdict, judgement.raised_in) == (Verdict.BAD, "helper")
