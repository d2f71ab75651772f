import pytest

from harness.search.boundaries import Boundary, Conclusion, changes, conclude, verdict_changes
from harness.verdicts.verdict import Verdict

WORDS = {"g": Verdict.GOOD, "b": Verdict.BAD, "s": Verdict.SKIP, ".": Verdict.UNTESTED}


def verdicts(letters):
    return [WORDS[letter] for letter in letters]


@pytest.mark.parametrize(
    ("letters", "conclusion"),
    [
        ("ggbb", Conclusion.REGRESSED),
        ("bbgg", Conclusion.FIXED),
        ("ggbbgg", Conclusion.NON_MONOTONE),
        ("ggss", Conclusion.UNTESTABLE_GAP),
        ("sggg", Conclusion.UNTESTABLE_GAP),
        ("gssg", Conclusion.ALWAYS_GOOD),
        (".ggg", Conclusion.INCONCLUSIVE),
        ("g..g", Conclusion.ALWAYS_GOOD),
        ("sbbs", Conclusion.UNTESTABLE_GAP),
        ("bsb", Conclusion.NEVER_GOOD),
        ("ggbbs", Conclusion.REGRESSED),
        ("ggsbb", Conclusion.UNTESTABLE_GAP),
        ("bbsgg", Conclusion.UNTESTABLE_GAP),
        ("g.b", Conclusion.INCONCLUSIVE),
        ("gs.b", Conclusion.INCONCLUSIVE),
        ("ssss", Conclusion.INCONCLUSIVE),
        ("....", Conclusion.INCONCLUSIVE),
        ("gsbsg", Conclusion.NON_MONOTONE),
    ],
)
def test_conclusion_of_verdicts_in_order(letters, conclusion):
    assert conclude(verdicts(letters)) == conclusion


def test_skipped_and_untested_releases_are_told_apart():
    assert verdict_changes(verdicts("gs.bsg")) == [
        Boundary(0, 3, "regressed", skipped=(1,), untested=(2,)),
        Boundary(3, 5, "fixed", skipped=(4,)),
    ]


def test_changes_of_any_signal():
    assert changes(["x", None, "x", "y"]) == [Boundary(2, 3, "changed")]
    assert changes(["x", None, "y"]) == [Boundary(0, 2, "changed", skipped=(1,))]
