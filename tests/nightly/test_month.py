"""A simulated month: every day's story, word for word."""

from __future__ import annotations

from datetime import UTC, datetime
from harness.nightly.baseline import accept
from simulated import ONCE_BAD, OTHER, story
from toyindex import BAD, GOOD, broken_sdist, wheel

NOTHING = ("Ran, nothing new.", 0, [])


def test_a_month(month):
    import time

    month.release("1.0", day=1)
    month.release("1.1", day=1)

    def p(d, **k):
        t = time.monotonic()
        told = month.night(d, **k)
        print(d, told.code, f"{time.monotonic() - t:.1f}s", told.headline)
        for e in told.events:
            print("    ", e)
        for l in told.lines:
            print("     =", l.text)

    p(1)
    p(2)
    month.release("1.2", day=3)
    p(3)
    month.release("2.0", BAD, day=4)
    p(4)
    p(5)
    month.release("2.0.1", BAD, day=6)
    p(6)
    month.release("2.1", day=7)
    p(7)
    month.file("2.0-").yanked = "broken"
    p(8)
    month.index.status = 503
    month.release("2.2", ONCE_BAD, day=9)
    p(9)
    month.index.status = 200
    p(10)
    month.index.add("toy", broken_sdist("toy", "2.3", uploaded="2024-02-11T08:00:00Z"))
    p(11)
    p(12)
    month.release("2.3", day=13)
    p(13)
    month.release("2.4", OTHER, day=14)
    p(14)
    month.release("2.5", OTHER, day=15)
    p(15)
    accept(
        sorted(month.folder.glob("reports/20240214*"))[0],
        month.home,
        moment=datetime(2024, 2, 16, 12, tzinfo=UTC),
        who="me",
        why="fine",
    )
    month.release("2.6", OTHER, day=16)
    p(16)
    t = month.folder / "scenarios/toy/scenario.toml"
    t.write_text(t.read_text().replace("helper==1.0", "helper==2.0"))
    p(17)
    month.release("1.2.1", BAD, day=18)
    p(18)
    month.release("2.7", requires=("helper", "extra"), day=19)
    month.release("1.0", name="extra")
    p(19)
    p(20)
    assert 0
