"""Files of the user that are odd: reports, scenarios, homes, bundles. One clear message each, and the others go on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import sysconfig
import zipfile

from world import ASK, RELEASES

from harness.bundles.bundle import SCHEMA

JOB = """import toy
from harness_recorder import Recorder

with Recorder(settings={}, device="cpu") as recorder:
    recorder.begin()
    for step in range(1, 4):
        toy.run()
        recorder.step(loss=1.0 / step)
"""
ODD = (
    None, True, -1, 0, 1e400, float("nan"), 10**400, "", "x", "\ud800", "\x1b[31m\x07", "\u202egnp.exe", "../../x",
    "²", "NaN", [], {}, [[]], {"": None}, "9" * 5000, "<script>alert(1)</script>", [None], ["\ud800"],
)  # fmt: skip


def _deep():
    return "[" * 5000 + "]" * 5000


def mutated(value, moments):
    """Return JSON with one value replaced, or one key gone, somewhere in it."""
    while isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = moments.choice(keys)
        if not isinstance(value[key], dict | list) or moments.random() < 0.25:
            if moments.random() < 0.2:
                del value[key]
            else:
                value[key] = moments.choice(ODD)
            return
        value = value[key]


def report(world, moments):
    """Change a stored report, then draw, judge, publish and compare it."""
    world.again()
    (folder,) = world.work.glob("reports/2*")
    shutil.copytree(folder, world.work / "reports" / "20200101T000000Z-good")
    path = folder / "report.json"
    kind = moments.choice(("mutate", "mutate", "mutate", "mutate", "deep", "cut", "fifo", "folder", "bytes"))
    facts = json.loads(path.read_text(encoding="utf-8"))
    if kind == "mutate":
        for _ in range(moments.randint(1, 3)):
            mutated(facts, moments)
        path.write_text(json.dumps(facts), encoding="utf-8", errors="surrogatepass")
    elif kind == "deep":
        path.write_text(path.read_text().replace('"arms":', f'"x": {_deep()}, "arms":', 1))
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[: moments.randrange(2000)])
    elif kind == "bytes":
        path.write_bytes(moments.randbytes(500))
    else:
        path.unlink()
        os.mkfifo(path) if kind == "fifo" else path.mkdir()
    for words in (
        ("report", str(folder)),
        ("judge", str(folder)),
        ("history",),
        ("bisect", "--locks", str(folder), *ASK[1:]),
    ):
        if wrong := world.wrong(world.run(*words), ends={0, 2, 3, 4}):
            return f"{kind}, {words[0]}: {wrong}"
    done = world.run("publish", "--to", "site")
    if wrong := world.wrong(done, ends={0}):
        return f"{kind}, publish: {wrong}"
    return (
        ""
        if (world.work / "site" / "runs" / "20200101T000000Z-good").is_dir()
        else f"{kind}: good run not published"
    )


def scenario(world, moments):
    """Give a scenario whose file is odd."""
    world.again()
    folder = world.work / "odd"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    text = 'package = "toy"\ndescription = "d"\npins = ["helper==1.0"]\n[arms.plain]\nscale = 1.0\n[oracle]\nkind = "training"\n'
    at = moments.randrange(len(text))
    piece = moments.choice(
        ('"', "\x00", "[", "=", "\n", "\u202e", "9" * 400, "inf", "'''", "{", "\\ud800", "[[a]]\n", "x = 1\n")
    )
    text = text[:at] + piece + text[at + moments.randint(0, 5) :]
    (folder / "scenario.toml").write_text(text, encoding="utf-8")
    (folder / "job.py").write_text(
        moments.choice(("import toy\ntoy.run()\n", "def (", "\x00", "# -*- coding: odd -*-\n"))
    )
    done = world.run(moments.choice(("validate", "bisect")), "odd")
    wrong = world.wrong(done, {f"1.{n}": {"good", "bad"} for n in range(9)}, ends={0, 2, 3})
    return f"{text!r}: {wrong}" if wrong else ""


def merged(world, moments):
    """Merge a state directory in which something is odd; what was there stays as it was."""
    world.again()
    other = world.work / "other"
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(world.home, other, symlinks=True)
    result = moments.choice(sorted(other.glob("probes/*/0")))
    odd = {
        "²": lambda: result.rename(result.with_name("²")),
        "fifo": lambda: ((result / "probe.json").unlink(), os.mkfifo(result / "probe.json")),
        "link": lambda: ((result / "output.txt").unlink(), (result / "output.txt").symlink_to("/etc/passwd")),
        "folder link": lambda: (shutil.rmtree(result), result.symlink_to("/etc")),
        "lock fifo": lambda: os.mkfifo(other / "locks" / "a.txt"),
        "lock link": lambda: (other / "locks" / "a.txt").symlink_to("/etc/passwd"),
        "lock name": lambda: (other / "locks" / "\x1b[31m.txt").write_text("x"),
        "noise": lambda: (result / "probe.json").write_bytes(moments.randbytes(200)),
        "deep": lambda: (result / "probe.json").write_text(_deep()),
        "large repeat": lambda: result.rename(result.with_name("9" * 200)),
    }
    name = moments.choice(list(odd))
    odd[name]()
    wrong = world.wrong(world.run("merge", str(other)), ends={0, 3}) or world.exact(world.run(*ASK))
    return f"{name}: {wrong}" if wrong else ""


def bundle(world, moments):
    """Open a bundle whose manifest, or any other byte, was changed."""
    world.again()
    path, changed = world.work / "question.bundle", world.work / "changed.bundle"
    if not path.exists():
        _make_bundle(world, path)
        changed.write_bytes(path.read_bytes())
        if wrong := world.exact(world.run("bisect", "--bundle", str(path), "--search", "sweep")):
            return f"a whole bundle: {wrong}"
    kind = moments.choice(("manifest", "manifest", "manifest", "cut", "flip", "member"))
    raw = bytearray(path.read_bytes())
    if kind == "cut":
        changed.write_bytes(raw[: moments.randrange(len(raw))])
    elif kind == "flip":
        raw[moments.randrange(len(raw))] ^= 1 << moments.randrange(8)
        changed.write_bytes(bytes(raw))
    else:
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
            for member in old.infolist():
                content = old.read(member)
                if member.filename == "manifest.json":
                    content = _odd_manifest(content, kind, moments)
                new.writestr(member, content)
    before = _outside(world)
    done = world.run("bisect", "--bundle", str(changed))
    if _outside(world) != before:
        return f"{kind}: something was written outside the state directory: {_outside(world) - before}"
    wrong = world.wrong(done, {f"1.{n}": {"good", "bad"} for n in range(9)}, ends={0, 2, 3, 4})
    return f"{kind}: {wrong}" if wrong else ""


def _make_bundle(world, path):
    """Write a bundle of the world's question by hand: `bundle` would press the harness itself too, for minutes."""
    (run,) = world.work.glob("reports/2*")
    members = {
        "scenario/packed/scenario.toml": b'package = "toy"\ndescription = "d"\npins = ["helper==1.0"]\n'
        b'[arms.plain]\n[oracle]\nkind = "training"\n',
        "scenario/packed/job.py": JOB.encode(),
        **{f"locks/{lock.name}": lock.read_bytes() for lock in run.glob("locks/*.txt")},
        **{f"wheels/{file.name}": file.content for files in world.index.packages.values() for file in files},
    }
    facts = {
        "schema": SCHEMA,
        "scenario": "packed",
        "torch": "index",
        "recorder": "other",
        "pins": ["helper==1.0"],
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "platform": sysconfig.get_platform(),
        "host_packages": {},
        "brought": {},
        "rehashed": {},
        "axes": [{"package": "toy", "releases": [{"version": f"1.{n}"} for n in range(RELEASES)]}],
        "files": {name: {"sha256": hashlib.sha256(content).hexdigest()} for name, content in members.items()},
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(facts))


def _odd_manifest(content, kind, moments):
    facts = json.loads(content)
    if kind == "manifest":
        mutated(facts, moments)
    else:
        name = moments.choice(("../../x", "/tmp/x", "a/../../x", "wheels/../../../x"))
        facts["files"][name] = next(iter(facts["files"].values()))
        if moments.random() < 0.5:
            facts["axes"][0]["releases"][0]["version"] = "../../x"
    return json.dumps(facts).encode("utf-8", "surrogatepass")


def _outside(world):
    inside = ("reports", "odd", "site")
    return {path for path in (*world.folder.glob("*"), *world.work.glob("*")) if path.name not in inside}


ATTACKS = {"report": report, "scenario": scenario, "merge": merged, "bundle": bundle}
