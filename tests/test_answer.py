"""The answer of an arm: what it says for every conclusion, and that no sentence claims what its facts do not carry."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest

from harness.report.devices import agreement, agrees
from harness.report.flakiness import executions
from harness.report.inferred import inferred
from harness.report.model import BoundaryResult, DeviceResult, DeviceSide, PrefixResult, ReleaseResult
from harness.report.sentences import sentence
from harness.search.boundaries import Conclusion, conclude, verdict_changes
from harness.verdicts.verdict import SkipKind, Verdict

# g: good, b: bad, f: bad by another failure, s: skip, o: skip by another failure than asked, u: not executed,
# i: executed for its first steps alone and inferred from the release before it, as its neighbours in full are alike
VERDICTS = {
    "g": Verdict.GOOD,
    "b": Verdict.BAD,
    "f": Verdict.BAD,
    "s": Verdict.SKIP,
    "o": Verdict.SKIP,
    "u": Verdict.UNTESTED,
    "i": Verdict.UNTESTED,
}
REASONS = {
    "g": "fell",
    "b": "non-finite loss at step 3.",
    "f": "AssertionError: sign",
    "s": "cannot be built",
}
FAILURES = {"b": "ValueError", "f": "AssertionError", "o": "KeyError"}


def row(name, letter, **facts):
    fingerprint = {"kind": "exception", "exception": FAILURES[letter]} if letter in FAILURES else None
    kind = {"s": SkipKind.NOT_INSTALLABLE, "o": SkipKind.OTHER_FAILURE}.get(letter, "")
    fields = {"fingerprint": fingerprint, "skip_kind": kind} | facts
    return ReleaseResult(name, None, VERDICTS[letter], REASONS.get(letter, "not executed"), **fields)


def begun(place, history):
    """What a release of the letter i adds to its row: the nearest one before it that was executed stands for it."""
    if history[place] != "i":
        return {}
    like = max(other for other in range(place) if history[other] in "gbf")
    prefix = PrefixResult(20, "digest", like=f"1.{like}", verdict=VERDICTS[history[like]])
    return {"prefix": prefix, "inferred": inferred(prefix)}


def versions(history):
    return [f"1.{position}" for position in range(len(history))]


def found(history, *, confirmed=True, kind=None):
    """The boundaries of a history: in verdict, and where one failure gives way to another."""
    names = versions(history)
    changes = [
        (one, "verdict", kind or one.kind) for one in verdict_changes([VERDICTS[one] for one in history])
    ]
    failing = [position for position, letter in enumerate(history) if letter in "bf"]
    boundaries = [
        BoundaryResult(
            one_kind,
            signal,
            names[one.before],
            names[one.after],
            skipped=[names[position] for position in one.skipped],
            untested=[names[position] for position in one.untested],
            confirmed=confirmed,
        )
        for one, signal, one_kind in changes
    ]
    for before, after in itertools.pairwise(failing):
        between = history[before + 1 : after]
        if history[before] != history[after] and "g" not in between:
            gap = dict(zip(names[before + 1 : after], between, strict=True))
            boundaries.append(
                BoundaryResult(
                    "changed",
                    "failure",
                    names[before],
                    names[after],
                    skipped=[name for name, letter in gap.items() if letter not in "ui"],
                    untested=[name for name, letter in gap.items() if letter in "ui"],
                )
            )
    return boundaries


def said(history, *, confirmed=True, conclusion=None, parameters=None, others=(), kind=None, **facts):
    """The answer of a history of letters, whose releases are 1.0, 1.1 and so on."""
    releases = [
        row(name, letter, **facts, **begun(place, history))
        for place, (name, letter) in enumerate(zip(versions(history), history, strict=True))
    ]
    boundaries = [*found(history, confirmed=confirmed, kind=kind), *others]
    concluded = conclusion or conclude([VERDICTS[letter] for letter in history])
    return sentence("toy", parameters or {}, concluded, boundaries, releases)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("ggbb", "toy 1.2 broke the job: 1.1 is the last good release, 1.2 the first bad one, confirmed."),
        ("bbgg", "toy 1.2 repaired the job: 1.1 is the last bad release, 1.2 the first good one, confirmed."),
        (
            "gbg",
            "toy 1.2 is good. 1.2 repaired the job (last bad 1.1), confirmed; 1.1 broke it (last good 1.0), confirmed.",
        ),
        (
            "gbgb",
            (
                "toy 1.3 is bad. 1.3 broke the job again (last good 1.2), confirmed; 1.2 repaired it (last bad 1.1), "
                "confirmed; 1.1 broke it (last good 1.0), confirmed."
            ),
        ),
        (
            "gssb",
            (
                "toy broke the job after 1.0 (good) and by 1.3 (bad), confirmed; 1.1 and 1.2 between them could not be "
                "tested (cannot be built)."
            ),
        ),
        (
            "gbssssssg",
            (
                "toy 1.8 is good. toy repaired the job after 1.1 (bad) and by 1.8 (good), confirmed; 6 releases (1.2 to "
                "1.7) between them could not be tested (cannot be built); 1.1 broke it (last good 1.0), confirmed."
            ),
        ),
        (
            "gggbbbfff",
            (
                "toy 1.3 broke the job with ValueError: 1.2 is the last good release, 1.3 the first bad one, confirmed; "
                "since 1.6 the failure is AssertionError."
            ),
        ),
        (
            "gbffg",
            (
                "toy 1.4 is good. 1.4 repaired the job (last bad 1.3), confirmed; 1.1 broke it with ValueError (last "
                "good 1.0), confirmed; from 1.2 on the failure was AssertionError, before it ValueError."
            ),
        ),
        (
            "goobb",
            (
                "toy broke the job after 1.0 (good) and by 1.3 (bad), confirmed; 1.1 and 1.2 between them failed in "
                "another way (KeyError)."
            ),
        ),
        ("ggg", "Nothing broke: the job is good with all 3 releases of toy, 1.0 to 1.2."),
        ("g", "Nothing broke: the job is good with toy 1.0, the one release tested."),
        (
            "gsgug",
            (
                "No break was found: the job is good with 3 tested releases of toy, 1.0 to 1.4. 1.1 could not be tested "
                "(cannot be built). 1 of 5 releases was not executed: changes may lie there."
            ),
        ),
        (
            "giig",
            (
                "No break was found: the job is good with 2 tested releases of toy, 1.0 to 1.3. 2 of 4 releases were "
                "executed for 20 steps alone and inferred (2 good): changes that begin later may lie there."
            ),
        ),
        (
            "gigubbib",
            (
                "Inconclusive: the job is good with toy 1.2 and bad with 1.4, so at least one change lies between; 1.3 "
                "between them was not executed."
            ),
        ),
        (
            "giggbib",
            (
                "toy 1.4 broke the job (last good 1.3), confirmed. 2 of 7 releases were executed for 20 steps alone and "
                "inferred (1 bad and 1 good): changes that begin later may lie there."
            ),
        ),
        (
            "gguugugb",
            (
                "toy 1.7 broke the job (last good 1.6), confirmed. 3 of 8 releases were not executed: further changes may "
                "lie there."
            ),
        ),
        (
            "gggss",
            (
                "The job is good with toy up to 1.2 (3 of 5 releases tested). 1.3 and later could not be tested (cannot "
                "be built)."
            ),
        ),
        (
            "sggg",
            "The job is good with toy 1.1 and later (3 of 4 releases tested). 1.0 could not be tested (cannot be built).",
        ),
        (
            "ggbbs",
            "toy 1.2 broke the job (last good 1.1), confirmed. 1.4 could not be tested (cannot be built).",
        ),
        (
            "bb",
            "No good release: the job is bad with all 2 releases of toy, 1.0 to 1.1 (non-finite loss at step 3).",
        ),
        (
            "bbf",
            (
                "No good release: the job is bad with all 3 releases of toy, 1.0 to 1.2 (most often: non-finite loss at "
                "step 3), and the failure changes at 1.1 -> 1.2."
            ),
        ),
        (
            "sbb",
            (
                "No good release was found: the job is bad with 2 tested releases of toy, 1.1 to 1.2 (non-finite loss at "
                "step 3). 1.0 could not be tested (cannot be built)."
            ),
        ),
        ("ss", "Inconclusive: no release of toy could be tested (cannot be built)."),
        ("uu", "Inconclusive: no release of toy was executed."),
        (
            "guuub",
            (
                "Inconclusive: the job is good with toy 1.0 and bad with 1.4, so at least one change lies between; 1.1, "
                "1.2 and 1.3 between them were not executed."
            ),
        ),
    ],
)
def test_every_conclusion_has_its_sentence(history, expected):
    assert said(history) == expected


def test_the_dtype_says_what_was_trained_and_doubt_is_told():
    text = said("gb", confirmed=False, parameters={"dtype": "float16"})
    assert text.startswith("toy 1.1 broke float16 training: ")
    assert text.endswith("1.1 the first bad one, not confirmed.")


def test_the_newest_changes_are_told_and_the_older_ones_counted():
    text = said("gbgbgbgbg")
    assert text.startswith(
        "toy 1.8 is good. 1.8 repaired the job again (last bad 1.7), confirmed; 1.7 broke it again"
    )
    assert text.endswith("; and 4 earlier changes.")


def test_a_change_without_a_direction_is_not_called_a_break():
    releases = [
        row(
            name,
            letter,
            effect={"name": "accuracy, less", "value": 0, "signal": "accuracy", "measured": value},
        )
        for name, letter, value in (("1.0", "g", 0.9), ("1.1", "g", 0.9), ("1.2", "b", 0.6))
    ]
    boundary = BoundaryResult("changed", "verdict", "1.1", "1.2", confirmed=True)
    text = sentence("toy", {}, "changed", [boundary], releases)
    assert text == "accuracy changed with toy 1.2: 0.9 -> 0.6 (compared with 1.1), confirmed."
    several = [boundary, BoundaryResult("changed", "verdict", "1.2", "1.3", skipped=[], confirmed=True)]
    text = sentence("toy", {}, "non-monotone", several, [*releases, row("1.3", "g")])
    assert "broke" not in text
    assert "is good" not in text


def test_an_unfinished_search_says_why():
    left = Conclusion.INCONCLUSIVE
    assert said("gb", conclusion=left) == (
        "Inconclusive: the search is not finished; 2 of 2 releases of toy have a verdict."
    )
    assert "executions of toy 1.1 disagree" in said("gb", conclusion=left, repeats=["good"])


def test_what_is_located_already_is_told_of_an_unfinished_search():
    boundaries = [
        BoundaryResult("regressed", "verdict", "1.0", "1.1", confirmed=True),
        BoundaryResult("fixed", "verdict", "1.1", "1.3", untested=["1.2"]),
    ]
    releases = [row(name, letter) for name, letter in zip(versions("gbug"), "gbug", strict=True)]
    text = sentence("toy", {}, "inconclusive", boundaries, releases)
    assert "1.2 between them was not executed" in text
    assert text.endswith("Located so far: toy 1.1 broke the job (last good 1.0), confirmed.")


def test_a_job_that_fails_everywhere_now_and_then_is_said_to():
    rows = [row(name, "g", repeats=["bad", "good"]) for name in versions("g" * 10)]
    text = sentence("toy", {}, "inconclusive", [], rows)
    assert "the job is flaky. It fails in 10 of 30 executions over 10 releases of toy" in text
    assert "no change was found" in text
    assert "confirmed" not in text


def test_failures_beside_a_good_verdict_are_never_silent():
    rows = [row("1.0", "g"), row("1.1", "g", repeats=["bad", "good"]), row("1.2", "g")]
    text = sentence("toy", {}, "always-good", [], rows)
    assert text.endswith("Executions disagree: 1.1 is bad in 1 of 3.")


def test_executions_of_several_seeds_are_counted_as_one():
    parts = [{"probe": str(seed), "repeat": 0, "seed": seed, "verdict": "good"} for seed in range(3)]
    assert executions(row("1.0", "b", executions=parts)) == (1, 1)
    once = [{"probe": "a", "repeat": repeat, "seed": 0, "verdict": "bad"} for repeat in range(4)]
    assert executions(row("1.0", "b", executions=once)) == (4, 4)


@pytest.mark.parametrize(
    ("facts", "hint"),
    [
        ({"skip_kind": SkipKind.IMPORT_ERROR, "module": "pkg_resources"}, '--with "setuptools<81"'),
        ({"skip_kind": SkipKind.IMPORT_ERROR, "module": "imp"}, "--python 3.11"),
        (
            {"skip_kind": SkipKind.IMPORT_ERROR, "module": "sklearn.base"},
            "to supply sklearn: --with PACKAGE (often --with sklearn)",
        ),
        ({"skip_kind": SkipKind.IMPORT_ERROR, "module": "toy.old"}, "look for: --import-errors bad"),
        ({"skip_kind": SkipKind.IMPORT_ERROR}, "if that is the failure you look for: --import-errors bad"),
        ({"skip_kind": SkipKind.WRONG_PYTHON}, "--python VERSION"),
        ({"skip_kind": SkipKind.OUT_OF_TIME}, "--timeout SECONDS"),
    ],
)
def test_a_gap_says_the_way_out_of_its_reason(facts, hint):
    rows = [row("1.0", "g"), row("1.1", "s", **facts), row("1.2", "s", **facts)]
    text = sentence("toy", {}, "untestable-gap", [], rows)
    assert hint in text
    assert ("--with" in text) == ("--with" in hint)


def test_a_gap_inside_a_change_says_its_way_out_as_well():
    facts = {"skip_kind": SkipKind.IMPORT_ERROR, "module": "pkg_resources"}
    rows = [row("1.0", "g"), row("1.1", "s", **facts), row("1.2", "b")]
    text = sentence("toy", {}, "untestable-gap", found("gsb"), rows)
    assert text.endswith(
        '1.1 between them could not be tested (cannot be built). To supply pkg_resources: --with "setuptools<81"; if '
        "that is the failure you look for: --import-errors bad."
    )


def test_reasons_that_differ_in_the_release_alone_are_one_reason():
    rows = [row("1.0", "g"), row("1.1", "s"), row("1.2", "s"), row("1.3", "s")]
    rows = [rows[0], *(replace(one, reason=f"no Python for toy=={one.version}") for one in rows[1:])]
    text = sentence("toy", {}, "untestable-gap", [], rows)
    assert "1.1 and later could not be tested (no Python for toy==1.1)" in text
    rows[1] = replace(rows[1], reason="cannot be built")
    text = sentence("toy", {}, "untestable-gap", [], rows)
    assert "(2 of 3: no Python for toy==1.2)" in text


def test_a_gap_whose_reason_leaves_no_way_out_names_none():
    assert "--" not in said("gss")


@pytest.mark.parametrize(
    ("raised", "end"),
    [
        (
            ("fsspec", "2023.10.0"),
            " The error is raised in fsspec 2023.10.0; to ask about it: --package fsspec.",
        ),
        (("yaml", ""), " The error is raised in yaml."),
        (("toy", "1.0"), ""),
        (("", ""), ""),
    ],
)
def test_a_job_that_never_worked_names_the_package_that_raises_the_error(raised, end):
    text = said("bb", raised_in=raised[0], raised_version=raised[1])
    assert text.endswith(f"(non-finite loss at step 3).{end}")


def test_other_signals_are_told_where_no_verdict_changes():
    others = [
        BoundaryResult("changed", "census", "1.0", "1.1"),
        BoundaryResult("changed", "trace", "1.1", "1.2"),
    ]
    text = said("ggg", others=others)
    assert text.endswith(", yet the census changes at 1.0 -> 1.1 and the trace changes at 1.1 -> 1.2.")


def test_devices_that_disagree_leave_no_culprit():
    good, bad = DeviceSide("good", "fell"), DeviceSide("bad", "rose")
    devices = [
        DeviceResult("cpu", "", "2", good, bad, agrees=True),
        DeviceResult("cuda", "T4", "2", good, good, agrees=False),
    ]
    boundary = BoundaryResult("regressed", "verdict", "1.0", "1.1", confirmed=True, devices=devices)
    text = sentence("toy", {}, "inconclusive", [boundary], [row("1.0", "g"), row("1.1", "b")])
    assert "so no release is named" in text
    assert "broke" not in text


def side_of(verdict, reason="", trace=None):
    return DeviceSide(verdict, reason, trace=trace)


@pytest.mark.parametrize(
    ("signal", "before", "after", "agreed", "said"),
    [
        (
            "trace",
            side_of("good", trace="a"),
            side_of("good", trace="b"),
            True,
            "the trace changes on CPU and GPU T4",
        ),
        (
            "trace",
            side_of("good", trace="a"),
            side_of("bad", trace="a"),
            False,
            "the trace changes on CPU; it does not on GPU T4",
        ),
        (
            "trace",
            side_of("good"),
            side_of("good"),
            None,
            "the trace changes on CPU; GPU T4 cannot tell (nothing to compare was recorded)",
        ),
        (
            "trace",
            side_of("skip", "no CUDA"),
            side_of("good"),
            None,
            "the trace changes on CPU; GPU T4 cannot tell (1.0: no CUDA)",
        ),
        (
            "failure",
            side_of("bad", "KeyError"),
            side_of("bad", "TypeError"),
            True,
            "the failure changes on CPU and GPU T4",
        ),
        (
            "failure",
            side_of("bad", "TypeError"),
            side_of("bad", "TypeError"),
            False,
            "the failure changes on CPU; it does not on GPU T4",
        ),
        (
            "verdict",
            side_of("bad"),
            side_of("bad"),
            True,
            "bisected on CPU, confirmed on GPU T4: 1.0 bad, 1.1 bad",
        ),
    ],
)
def test_another_device_shows_a_change_where_what_changes_differs_there_too(
    signal, before, after, agreed, said
):
    own = DeviceResult("cpu", "", "2", side_of("bad", "KeyError"), side_of("bad", "TypeError"), agrees=True)
    there = DeviceResult("cuda", "T4", "2", before, after)
    assert agrees(signal, own, there) is agreed
    devices = [own, replace(there, agrees=agreed)]
    assert agreement(BoundaryResult("changed", signal, "1.0", "1.1", devices=devices)) == said


# -- what sentences claim, over every history of up to five releases ------------------------------------------


def letters(history, chosen):
    return {position for position, letter in enumerate(history) if letter in chosen}


def alike(history):
    """Whether what is inferred lies between executed releases that are alike, as it must."""
    executed = [place for place, letter in enumerate(history) if letter in "gbf"]
    gaps = [
        (before, after) for before, after in itertools.pairwise(executed) if history[before] == history[after]
    ]
    return all(any(before < place < after for before, after in gaps) for place in letters(history, "i"))


HISTORIES = [
    "".join(chosen)
    for length in range(1, 6)
    for chosen in itertools.product("gbfsou" if length == 5 else "gbfsoui", repeat=length)
    if "i" not in chosen or alike("".join(chosen))
] + [
    f"{one}i{two}{one}{three}"
    for one in "gb"
    for two in "suig"
    for three in "gbfsou"
    if two != "g" or one == "g"
]
VERSION = r"1\.(\d+)"
NAMES = rf"(?:(?:{VERSION}(?:, | and )?)+|\d+ releases \({VERSION} to {VERSION}\))"


def positions(clause, history):
    """The releases that a clause names: one by one, as a span, or as all to an end of the range."""
    named = [int(place) for place in re.findall(VERSION, clause)]
    if "and later" in clause:
        return set(range(named[-1], len(history)))
    if "and earlier" in clause:
        return set(range(named[-1] + 1))
    if "all " in clause or " to " in clause:
        return set(range(named[-2], named[-1] + 1)) if named else set(range(len(history)))
    return set(named)


def told_of(text, history, words):
    """The releases of which a text says some words."""
    text = text.replace("no release of toy could be tested", "all 9 releases of toy could not be tested")
    clauses = re.findall(
        rf"({NAMES}(?: and later| and earlier)?|all \d+ releases of toy)(?: between them)? {words}", text
    )
    return set().union(*(positions(clause[0], history) for clause in clauses))


def test_no_sentence_claims_what_its_facts_do_not_carry():
    for history in HISTORIES:
        text = said(history)
        complaint = f"{history}: {text}"
        check_culprits(text, history, complaint)
        check_comfort(text, history, complaint)
        check_silence(text, history, complaint)


def check_culprits(text, history, complaint):
    """Whoever is named differs from its neighbour, which was executed."""
    verdicts = [VERDICTS[letter] for letter in history]
    for place, verb in re.findall(rf"{VERSION} (broke|repaired)", text):
        after = verdicts[int(place)]
        before = verdicts[int(place) - 1]
        assert {before, after} == {Verdict.GOOD, Verdict.BAD}, complaint
        assert (after == Verdict.BAD) == (verb == "broke"), complaint
    for what, place in re.findall(rf"last (good|bad) {VERSION}", text):
        assert verdicts[int(place)] == what, complaint
        assert {verdicts[int(place)], verdicts[int(place) + 1]} == {Verdict.GOOD, Verdict.BAD}, complaint
    if "is the last" in text:
        assert set(history) <= set("gbf"), complaint
        assert len(verdict_changes(verdicts)) == 1, complaint
    for place, failure in re.findall(rf"since {VERSION} the failure is (\w+)", text):
        assert FAILURES[history[int(place)]] == failure, complaint
        assert "g" not in history[int(place) :], complaint
    exact = [one for one in verdict_changes(verdicts) if not one.skipped and not one.untested]
    if conclude(verdicts) != Conclusion.INCONCLUSIVE:
        assert len(re.findall(r"\d (?:broke|repaired)", text)) == min(len(exact), 4), complaint
        assert text.count("confirmed") == min(len(verdict_changes(verdicts)), 4), complaint


def check_comfort(text, history, complaint):
    """Nothing is said to be good that was not executed to its ends."""
    if "Nothing broke" in text:
        assert set(history) == {"g"}, complaint
    if "No break was found" in text:
        assert history[0] == history[-1] == "g", complaint
        assert not set(history) & set("bf"), complaint
    if "No good release:" in text:
        assert set(history) <= set("bf"), complaint
    for place, verdict in re.findall(rf"toy {VERSION} is (good|bad)\.", text):
        assert VERDICTS[history[int(place)]] == verdict, complaint
        assert not set(history[int(place) + 1 :]) & set("gbf"), complaint
    if "up to" in text:
        assert not set(history) & set("bf"), complaint


def check_silence(text, history, complaint):
    """What could not be tested, failed otherwise or was not executed is told, and nothing else is told so."""
    skips, others, unexecuted = (letters(history, chosen) for chosen in "sou")
    assert told_of(text, history, "could not be tested") <= skips, complaint
    assert told_of(text, history, "failed in another way") <= others, complaint
    assert told_of(text, history, "(?:was|were) not executed") <= unexecuted, complaint
    if conclude([VERDICTS[letter] for letter in history]) == Conclusion.INCONCLUSIVE:
        return
    assert told_of(text, history, "could not be tested") == skips, complaint
    assert told_of(text, history, "failed in another way") == others, complaint
    assert bool(unexecuted) == ("not executed" in text), complaint
    check_inferred(text, history, complaint)
    for count in re.findall(r"(\d+) of \d+ releases (?:was|were) not executed", text):
        assert int(count) == len(unexecuted), complaint


def check_inferred(text, history, complaint):
    """What is inferred is counted and said to be so, with what it is inferred to be, and is called nothing else."""
    own = letters(history, "i")
    assert bool(own) == ("inferred" in text), complaint
    for count, said in re.findall(
        r"(\d+) of \d+ releases (?:was|were) executed for 20 steps alone and inferred \(([^)]*)\)", text
    ):
        assert int(count) == len(own) == sum(int(one) for one in re.findall(r"\d+", said)), complaint
        like = {history[max(other for other in range(place) if history[other] in "gbf")] for place in own}
        assert {VERDICTS[one] for one in like} == set(re.findall(r"[a-z]{3,}", said.replace(" and ", " "))), (
            complaint
        )
    for place in own:
        assert not re.search(
            rf"1\.{place} (?:is|broke|repaired)|(?:last|first) (?:good|bad) 1\.{place}\b", text
        ), complaint
