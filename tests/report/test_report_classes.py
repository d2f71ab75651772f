"""Classes of equal traces, segments, places of change, the strip."""

from __future__ import annotations

import dataclasses

import synthetic_report

from harness.report.classes import census_keys, places, segments, span, trace_classes, trace_keys, versions
from harness.report.evidence import identical_jobs
from harness.report.model import BoundaryResult
from harness.report.strip import strip


def test_span():
    order = ["1", "2", "3", "4", "5"]
    assert span([0, 1, 3], order) == "1\u20132, 4"
    assert span([4], order) == "5"


def test_classes_are_lettered_in_order_and_hold_what_trains_identically():
    report, _ = synthetic_report.report(skip=())
    first, second = trace_classes(report.arms[0])
    assert (first.name, first.span) == ("A", "0.3.0\u20130.6.2, 0.12.0\u20130.21.2")
    assert (second.name, second.span, second.verdict) == ("B", "0.7.0\u20130.11.1", "bad")


def test_without_equal_traces_versions_name_the_classes():
    report, _ = synthetic_report.report()
    arm = report.arms[1]
    releases = [dataclasses.replace(item, trace=item.version) for item in arm.releases]
    names = [group.name for group in trace_classes(dataclasses.replace(arm, releases=releases))]
    assert names == synthetic_report.RELEASES


def test_segments_are_cut_at_boundaries_and_come_back_to_their_letter():
    report, evidence = synthetic_report.report()
    arm = report.arms[0]
    traces = segments(arm, "trace", trace_keys(arm))
    assert (traces["0.6.2"], traces["0.7.0"], traces["0.12.0"], traces["0.21.2"]) == ("A", "B", "A", "A")
    assert "0.17.0" not in traces
    census = segments(arm, "census", census_keys(arm, evidence))
    assert (census["0.5.0"], census["0.6.0"], census["0.7.0"], census["0.12.0"]) == ("A", "B", "C", "B")


def test_places_join_arms_that_agree():
    report, _ = synthetic_report.report()
    found = places(report)
    assert [(place.before, place.after, place.decisive) for place in found] == [
        ("0.5.0", "0.6.0", False),
        ("0.6.2", "0.7.0", True),
        ("0.11.1", "0.12.0", True),
    ]
    assert [(entry.boundary.signal, entry.arms) for entry in found[1].entries] == [
        ("verdict", ("fp16",)),
        ("census", ("fp16", "bf16")),
        ("trace", ("fp16", "bf16")),
    ]


def test_versions_of_arms_that_know_different_releases():
    report, _ = synthetic_report.report()
    one, two = report.arms
    one = dataclasses.replace(one, releases=[item for item in one.releases if item.version != "0.9.0"])
    two = dataclasses.replace(two, releases=two.releases[3:])
    assert versions(dataclasses.replace(report, arms=[one, two])) == synthetic_report.RELEASES


def test_jobs_are_identical_only_if_every_trace_says_so():
    report, evidence = synthetic_report.report()
    arm = report.arms[0]
    assert identical_jobs(arm, evidence) is True
    probe = arm.releases[3].probe
    other = dataclasses.replace(evidence[probe].trace, identity={"start": "x", "batches": "y"})
    assert identical_jobs(arm, evidence | {probe: dataclasses.replace(evidence[probe], trace=other)}) is False
    none = dataclasses.replace(other, identity=None)
    assert identical_jobs(arm, evidence | {probe: dataclasses.replace(evidence[probe], trace=none)}) is None


def test_a_gap_marks_the_room_of_what_was_skipped():
    report, evidence = synthetic_report.report(skip=("0.6.2", "0.7.0"))
    arm = report.arms[0]
    gap = BoundaryResult("regressed", "verdict", "0.6.1", "0.7.1", skipped=["0.6.2", "0.7.0"])
    drawn = strip(dataclasses.replace(report, arms=[dataclasses.replace(arm, boundaries=[gap])]), evidence)
    (mark,) = drawn.rows[0].marks
    assert (mark.position, mark.length, mark.kind) == (5, 2, "regressed")


def test_releases_without_a_date_are_spaced_evenly():
    report, evidence = synthetic_report.report(arms=("bf16",))
    arm = report.arms[0]
    dateless = [dataclasses.replace(item, uploaded=None) for item in arm.releases]
    drawn = strip(dataclasses.replace(report, arms=[dataclasses.replace(arm, releases=dateless)]), evidence)
    assert set(drawn.gaps[:-1]) == {1}
    assert set(drawn.dates) == {""}
