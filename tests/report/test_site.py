"""The site of all runs: what it says, that writing it twice changes nothing, and that it removes nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
import synthetic_report
from test_report_files import Loads

from harness.cli import main
from harness.errors import UsageError
from harness.files import to_json, write_atomic
from harness.report import BoundaryResult
from harness.site.publish import publish
from harness.site.runs import find_runs
from harness.site.state import boundaries, states

ATOM = {"a": "http://www.w3.org/2005/Atom"}
KEPT = ("0.5.0", "0.6.0", "0.6.2", "0.7.0", "0.11.1", "0.12.0")


def add_run(out, name, day, **changes):
    """Write what the site reads of a run; `changes` are those of the synthetic report."""
    report, _ = synthetic_report.report(steps=2, releases=changes.pop("releases", KEPT), **changes)
    report = replace(report, run=name, started=f"2026-11-{day:02}T03:00:00+00:00")
    write_atomic(out / name / "report.json", to_json(report.to_dict()))
    write_atomic(out / name / "index.html", f"<!doctype html><title>{name}</title>")
    write_atomic(out / name / "locks" / "0.7.0.txt", "not for the site")
    for kind in ("svg", "png"):
        write_atomic(out / name / "figures" / f"fp16-0.6.2-0.7.0-loss.{kind}", f"a figure of {name}")
    return report


@pytest.fixture
def out(tmp_path):
    """Two nights: on the first one everything before 0.7.0, on the second one the whole history."""
    folder = tmp_path / "reports"
    add_run(folder, "second", 20, description="What it trains.")
    before = add_run(folder, "first", 19, releases=KEPT[:3])
    arms = [replace(arm, boundaries=arm.boundaries[:1], conclusion="always-good") for arm in before.arms]
    write_atomic(
        folder / "first" / "report.json",
        to_json(replace(before, arms=arms, run="first", started="2026-11-19T03:00:00+00:00").to_dict()),
    )
    (folder / "latest").symlink_to("second")
    return folder


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_every_file_is_there_and_every_link_leads_somewhere(out, tmp_path):
    done = publish(out, tmp_path / "site", title="Bisections")
    assert (done.runs, done.arms, done.boundaries, done.faults) == (2, 2, 6, [])
    written = files(tmp_path / "site")
    assert set(written) == {
        "index.html",
        "feed.xml",
        *(f"badges/llama_seq_cls-peft-{arm}.json" for arm in ("fp16", "bf16")),
        *(
            f"runs/{run}/{name}"
            for run in ("first", "second")
            for name in (
                *("index.html", "report.json"),
                *(f"figures/fp16-0.6.2-0.7.0-loss.{kind}" for kind in ("svg", "png")),
            )
        ),
    }
    found = Loads()
    found.feed(written["index.html"].decode())
    local = {link.partition("#")[0] for link in found.links} - {""}
    assert local <= set(written), "relative, so that it works from a disk and under any path"
    assert {link for link in local if "/figures/" in link} == {
        f"runs/second/figures/fp16-0.6.2-0.7.0-loss.{kind}" for kind in ("svg", "png")
    }, "those of the run that says how things stand"
    assert {link.removeprefix("#") for link in found.links if link.startswith("#")} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_writing_it_twice_changes_no_byte_and_no_file(out, tmp_path):
    site = tmp_path / "site"
    publish(out, site, title="Bisections")
    first = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in site.rglob("*") if path.is_file()}
    publish(out, site, title="Bisections")
    assert {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in site.rglob("*") if path.is_file()
    } == first


def test_runs_that_only_the_site_has_stay_and_are_listed(out, tmp_path):
    site = tmp_path / "site"
    publish(out, site, title="Bisections")
    whole = files(site)
    write_atomic(site / "runs" / "unknown" / "notes.txt", "mine")
    fresh = tmp_path / "fresh"
    add_run(fresh, "third", 21)
    done = publish(fresh, site, title="Bisections")
    assert done.runs == 3
    assert (site / "runs" / "unknown" / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert all(files(site)[name] == content for name, content in whole.items() if name.startswith("runs/"))
    assert "runs/first/index.html" in (site / "index.html").read_text(encoding="utf-8")


def test_damaged_runs_are_told_and_left_out(out, tmp_path, capsys):
    write_atomic(out / "cut" / "report.json", '{"schema": 1, "arms": [')
    write_atomic(out / "future" / "report.json", '{"schema": 99}')
    add_run(out, "undrawn", 22)
    (out / "undrawn" / "index.html").unlink()
    strange = add_run(out, "strange", 23)
    write_atomic(out / "strange" / "report.json", to_json(strange.to_dict() | {"host": None, "package": 3}))
    write_atomic(out / "no-run" / "notes.txt", "something else")
    assert main(["publish", "--to", str(tmp_path / "site"), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "2 runs, 2 arms, 6 boundaries" in said.out
    assert sorted(re.findall(r"left out: \S*/(\w+)/(\S+):", said.err)) == [
        ("cut", "report.json"),
        ("future", "report.json"),
        ("strange", "report.json"),
        ("undrawn", "index.html"),
    ]
    assert not (tmp_path / "site" / "runs" / "cut").exists()


def test_without_any_run_it_says_what_to_do(tmp_path, capsys):
    assert main(["publish", "--to", str(tmp_path / "site"), "--out", str(tmp_path / "none")]) == 2
    assert "harness bisect" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()
    with pytest.raises(UsageError):
        publish(tmp_path, tmp_path / "site", title="Bisections")


def test_the_feed_has_an_entry_a_boundary_with_the_day_it_was_found(out, tmp_path):
    publish(out, tmp_path / "site", title="Bisections", url="https://example.org/bisect")
    root = ET.parse(tmp_path / "site" / "feed.xml").getroot()
    entries = root.findall("a:entry", ATOM)
    ids = [entry.findtext("a:id", namespaces=ATOM) for entry in entries]
    assert len(ids) == len(set(ids)) == 6
    assert ids[0] == "urn:training-bisect:llama_seq_cls:peft:fp16:0.11.1:0.12.0"
    assert root.findtext("a:updated", namespaces=ATOM) == "2026-11-20T03:00:00Z"
    by_id = dict(zip(ids, entries, strict=True))
    old = by_id["urn:training-bisect:llama_seq_cls:peft:bf16:0.5.0:0.6.0"]
    assert old.findtext("a:published", namespaces=ATOM) == "2026-11-19T03:00:00Z"
    new = by_id["urn:training-bisect:llama_seq_cls:peft:fp16:0.6.2:0.7.0"]
    assert new.findtext("a:title", namespaces=ATOM) == "peft 0.7.0 breaks fp16 in llama_seq_cls"
    assert new.findtext("a:published", namespaces=ATOM) == "2026-11-20T03:00:00Z"
    (link,) = new.findall("a:link", ATOM)
    assert link.get("href") == "https://example.org/bisect/runs/second/index.html#at-0.6.2-0.7.0"


def test_ids_stay_when_a_later_run_finds_the_same(out):
    before = {found.id: found.first.name for found in boundaries(find_runs(out)[0])}
    add_run(out, "third", 21)
    after = {found.id: (found.first.name, found.run.name) for found in boundaries(find_runs(out)[0])}
    assert {name: first for name, (first, _) in after.items()} == before
    assert {newest for _, newest in after.values()} == {"third"}


def test_the_newest_run_says_where_an_arm_stands_but_a_closer_look_does_not(out):
    add_run(out, "third", 21)
    add_run(out, "closer", 22, releases=KEPT[2:4], arms=("fp16",))
    fp16, bf16 = states(find_runs(out)[0])
    assert (fp16.key[2], fp16.run.name, fp16.since.name, fp16.runs) == ("fp16", "third", "second", 2)
    assert (bf16.key[2], bf16.newest, bf16.counts) == ("bf16", "good", "6 good")


def test_badges_are_those_of_the_newest_state(out, tmp_path):
    publish(out, tmp_path / "site", title="Bisections")
    badge = json.loads(
        (tmp_path / "site" / "badges" / "llama_seq_cls-peft-fp16.json").read_text(encoding="utf-8")
    )
    assert badge == {
        "schemaVersion": 1,
        "label": "peft fp16",
        "message": "repaired in 0.12.0",
        "color": "yellow",
    }


def test_hostile_text_is_shown_and_does_nothing(tmp_path):
    evil = '"><script>alert(1)</script>\x1b[31m\x00'
    out = tmp_path / "reports"
    report = add_run(out, 'a "b" <c> #1', 20)
    arms = [replace(report.arms[0], name=evil, answer=evil)]
    text = to_json(
        replace(report, arms=arms, scenario=evil, package=evil, description=evil, started=evil).to_dict()
    )
    write_atomic(out / 'a "b" <c> #1' / "report.json", text)
    publish(out, tmp_path / "site", title=evil)
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "runs/a%20%22b%22%20%3Cc%3E%20%231/index.html" in page
    ET.parse(tmp_path / "site" / "feed.xml")


def test_the_site_links_to_the_documentation_that_lies_beside_it(out, tmp_path):
    site = tmp_path / "site"
    publish(out, site, title="Bisections")
    assert "Documentation" not in (site / "index.html").read_text(encoding="utf-8")
    (site / "docs").mkdir()
    (site / "docs" / "index.html").write_text("", encoding="utf-8")
    publish(out, site, title="Bisections")
    assert '<a href="docs/index.html">Documentation</a>' in (site / "index.html").read_text(encoding="utf-8")


def test_site_page_matches_gold(out, tmp_path, matches_gold):
    publish(out, tmp_path / "site", title="Bisections")
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    page = re.sub(r"(<style[^>]*>).*?(</style>)", r"\1…\2", page, flags=re.DOTALL)
    matches_gold("site.html", re.sub(r"\n\s*\n+", "\n", page))
    matches_gold("feed.xml", (tmp_path / "site" / "feed.xml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("conclusions", "said"),
    [
        ({"fp16": "open"}, "Broken with the newest release: fp16 in llama_seq_cls."),
        ({"fp16": "repaired"}, "The one arm is good with the newest release tested."),
        (
            {"fp16": "repaired", "bf16": "good", "fp16-plain": "never"},
            "2 arms are good with the newest release tested; 1 arm is good with no release.",
        ),
        ({"fp16-plain": "never"}, "1 arm is good with no release."),
        (
            {"fp16": "open", "fp16-plain": "never"},
            "Broken with the newest release: fp16 in llama_seq_cls.",
        ),
    ],
)
def test_the_headline_calls_broken_what_a_release_broke(tmp_path, conclusions, said):
    report, _ = synthetic_report.report(arms=("bf16",), releases=KEPT)
    changes = [
        BoundaryResult("regressed", "verdict", KEPT[0], KEPT[1], confirmed=True),
        BoundaryResult("fixed", "verdict", KEPT[1], KEPT[2], confirmed=True),
    ]
    shapes = {
        "open": ("regressed", changes[:1], {"good": KEPT[:1], "bad": KEPT[1:]}),
        "repaired": ("non-monotone", changes, {"bad": KEPT[1:2]}),
        "good": ("always-good", [], {}),
        "never": ("never-good", [], {"bad": KEPT}),
    }
    arms = []
    for name, shape in conclusions.items():
        conclusion, boundaries, verdicts = shapes[shape]
        rows = [
            replace(one, verdict="bad" if one.version in verdicts.get("bad", ()) else "good")
            for one in report.arms[0].releases
        ]
        arms.append(
            replace(report.arms[0], name=name, conclusion=conclusion, boundaries=boundaries, releases=rows)
        )
    folder = tmp_path / "reports" / "run"
    write_atomic(folder / "report.json", to_json(replace(report, arms=arms, run="run").to_dict()))
    write_atomic(folder / "index.html", "<!doctype html><title>run</title>")
    publish(tmp_path / "reports", tmp_path / "site", title="Bisections")
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert f'<h1 id="headline">{said}</h1>' in page
