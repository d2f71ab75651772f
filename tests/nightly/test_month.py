"""A simulated month: every day's story, word for word; no false alarm, nothing told twice."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from simulated import ONCE_BAD, OTHER, story
from toyindex import BAD, broken_sdist

from harness.nightly.baseline import accept

NOTHING = ("Ran, nothing new.", 0, [])
LIKE_BASELINE = "is good in plain and trains as the baseline 1.1, bit for bit"


def test_a_month(month):  # noqa: PLR0915 - a day after the other
    def night(day):
        told = month.night(day)
        return told.headline, told.code, story(told)

    def quiet(kind, release, text):
        return (f"No regression (1 {kind}): {text}", 0, [(kind, release, text)])

    # The 1st: the first night proposes the newest good release, and says so.
    month.release("1.0", day=1)
    month.release("1.1", day=1)
    said = "toy 1.1 is the baseline of plain from now on: the newest good release; two executions are equal bit for bit"
    assert night(1) == quiet("baseline", "1.1", said)
    assert night(2) == NOTHING

    # A good release.
    month.release("1.2", day=3)
    assert night(3) == quiet("release", "1.2", f"toy 1.2 {LIKE_BASELINE}")

    # A broken one: an alarm once, and not again, nor for the next one that is as broken.
    month.release("2.0", BAD, day=4)
    said = "toy 2.0 breaks plain: non-finite loss at step 3, forward; the last good release is 1.2"
    assert night(4) == (f"New regression: {said}", 1, [("regressed", "2.0", said)])
    assert night(5) == NOTHING
    month.release("2.0.1", BAD, day=6)
    assert night(6) == quiet("release", "2.0.1", "toy 2.0.1 is bad in plain as before: broken since 2.0")

    # The fix, told once, and the yank of what was broken.
    month.release("2.1", day=7)
    said = "toy 2.1 is good again in plain: what broke in 2.0 is over"
    assert night(7) == (f"Fixed: {said}", 0, [("fixed", "2.1", said)])
    month.file("2.0").yanked = "it breaks training"
    assert night(8) == quiet("yanked", "2.0", "toy 2.0 is yanked now (it breaks training)")

    # The index is out of reach on the day of a release, which the next night finds: a flaky one.
    month.release("2.2", ONCE_BAD, day=9)
    month.index.status = 503
    headline, code, events = night(9)
    assert (headline[:69], code) == (
        "Not all could be looked at: the index could not be asked for toy, so ",
        4,
    )
    assert [event[:2] for event in events] == [("fault", "")]
    month.index.status = 200
    said = (
        "toy 2.2 is flaky in plain: bad in 1 of 3 executions (non-finite loss at step 3, forward); no alarm"
    )
    assert night(10) == quiet("flaky", "2.2", said)

    # One that cannot be installed, tried again without a word until a wheel is there.
    month.index.add("toy", broken_sdist("toy", "2.3", uploaded="2024-02-11T08:00:00Z"))
    headline, code, events = night(11)
    assert code == 0
    (event,) = events
    assert event[:2] == ("skip", "2.3")
    assert event[2].startswith("toy 2.3 has no verdict in plain: cannot be installed: ")
    assert event[2].endswith("; no alarm, the next 6 nights try again")
    assert night(12) == NOTHING
    month.release("2.3", day=13)
    assert night(13) == quiet("release", "2.3", f"toy 2.3 {LIKE_BASELINE}")

    # One that trains otherwise and stays good: a word, no alarm; the next one is as it is.
    month.release("2.4", OTHER, day=14)
    said = "toy 2.4 trains otherwise than 2.3 in plain, and stays good: trace, first differs at step 1: loss 1 -> 0.9"
    assert night(14) == quiet("changed", "2.4", said)
    month.release("2.5", OTHER, day=15)
    said = "toy 2.5 is good in plain and trains otherwise than the baseline 1.1, as is known"
    assert night(15) == quiet("release", "2.5", said)

    # It is accepted.
    (run,) = month.folder.glob("reports/20240215*")
    done = accept(run, month.state, moment=datetime(2024, 2, 16, tzinfo=UTC), who="Ada", why="a new schedule")
    assert done.moved == [(("toy", "toy", "plain"), "1.1", "2.5")]
    month.release("2.6", OTHER, day=16)
    said = "toy 2.6 is good in plain and trains as the baseline 2.5, bit for bit"
    assert night(16) == quiet("release", "2.6", said)

    # The pins of the scenario move, and a release moves a package of its own.
    scenario = month.folder / "scenarios" / "toy" / "scenario.toml"
    scenario.write_text(scenario.read_text().replace("helper==1.0", "helper==2.0"), encoding="utf-8")
    said = "the shared packages are others than last night: helper 1.0 -> 2.0"
    assert night(17) == quiet("pins", "", said)
    month.release("1.0", "", name="extra", day=17)
    month.release("2.7", OTHER, day=18, requires=("helper", "extra"))
    said = (
        "toy 2.7 is good in plain and trains as the baseline 2.5, bit for bit; it moves extra absent -> 1.0"
    )
    assert night(18) == quiet("release", "2.7", said)

    # A release of an older line is compared with its own neighbour; one that is new and yanked is given nobody.
    month.release("1.2.1", BAD, day=19)
    said = "toy 1.2.1 breaks plain: non-finite loss at step 3, forward; the last good release is 1.2"
    assert night(19) == (f"New regression: {said}", 1, [("regressed", "1.2.1", said)])
    month.release("2.8", BAD, day=20, yanked="oh no")
    said = "toy 2.8 is new and yanked already: nobody is given it, so it is not tested"
    assert night(20) == quiet("yanked", "2.8", said)
    assert night(21) == NOTHING

    # Three at once: a break, what is as broken, and the fix.
    for version, code in (("3.0", BAD), ("3.0.1", BAD), ("3.1", OTHER)):
        month.release(version, code, day=22)
    broke = "toy 3.0 breaks plain: non-finite loss at step 3, forward; the last good release is 2.7; with it move extra 1.0 -> absent"
    assert night(22) == (
        f"New regression: {broke}",
        1,
        [
            ("regressed", "3.0", broke),
            ("fixed", "3.1", "toy 3.1 is good again in plain: what broke in 3.0 is over"),
            ("release", "3.0.1", "toy 3.0.1 is bad in plain as before: broken since 3.0"),
        ],
    )
    month.publishes()
    assert night(23) == NOTHING
    its_site(month)
    its_files(month)

    # A dependency breaks it, which nobody watches: it is named, once, and no release is blamed.
    month.release("3.0", "factor = float('nan')\n", name="helper", day=24)
    scenario.write_text(scenario.read_text().replace("helper==2.0", "helper==3.0"), encoding="utf-8")
    said = (
        "dependency helper 2.0 -> 3.0 broke plain: toy 2.5, the baseline of plain, is bad now, non-finite loss at "
        "step 1, forward; with that alone moved it is bad, with all else moved good, at least twice each"
    )
    pins = "the shared packages are others than last night: helper 2.0 -> 3.0"
    assert night(24) == (f"New regression: {said}", 1, [("regressed", "2.5", said), ("pins", "", pins)])
    assert night(25) == NOTHING
    month.release("3.2", OTHER, day=26)
    said = "toy 3.2 is bad in plain as before: broken since helper 3.0"
    assert night(26) == quiet("release", "3.2", said)


def its_site(month):
    """The site shows all of it, told by the last run that covers the releases, and the feed each place once."""
    page = (month.folder / "site" / "index.html").read_text(encoding="utf-8")
    assert "The one arm is good with the newest release tested." in page
    feed = (month.folder / "site" / "feed.xml").read_text(encoding="utf-8")
    titles = [node.text for node in ET.fromstring(feed).iter("{http://www.w3.org/2005/Atom}title")]
    for title in (
        "toy 2.0 breaks plain in toy",
        "toy 2.1 repairs plain in toy",
        "toy 1.2.1 breaks plain in toy",
    ):
        assert titles.count(title) == 1
    assert not [title for title in titles if "2.2" in title]


def its_files(month):
    """The files of the night of the alarm."""
    folder = month.folder / "reports" / "nightly" / "20240204T230000Z"
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("# New regression: toy 2.0 breaks plain")
    assert "../../20240204T230000Z-toy/index.html" in summary
    assert (folder / "../../20240204T230000Z-toy/index.html").is_file()
    assert (folder / "../../20240204T230000Z-toy/issue.md").is_file()
    data = json.loads((folder / "nightly.json").read_text(encoding="utf-8"))
    assert (data["schema"], data["code"]) == (1, 1)
    assert data["standing"][0]["broken"] == ["2.0"]
    cases = ET.parse(folder / "junit.xml").getroot().findall(".//testcase")
    assert [(case.get("classname"), case.get("name")) for case in cases] == [("toy", "toy: plain")]
    assert "toy 2.0 breaks plain" in cases[0].find("failure").get("message")
    assert (folder.parent / "latest").resolve().name == "20240223T230000Z"
