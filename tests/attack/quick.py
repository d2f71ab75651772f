"""Attacks that execute no job: stored files that are read, pages that are drawn, words on the command line."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser

from damage import DAMAGES, files
from texts import ODD, mutated
from world import ASK

ACTIVE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</title><svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "]]><!--",
)
"""Texts that would act in a page."""
READS = (
    ("history",),
    ("report",),
    ("judge",),
    ("releases", "toy"),
    ("history", "--json"),
    ("validate", "toy"),
)
VERBS = (
    "bisect",
    "probe",
    "releases",
    "report",
    "judge",
    "history",
    "publish",
    "merge",
    "plan",
    "new",
    "validate",
    "blame",
    "descend",
    "repro",
    "accept",
    "nightly",
    "bundle",
)
OPTIONS = (
    "--from",
    "--to",
    "--search",
    "--jobs",
    "--seeds",
    "--timeout",
    "--out",
    "--with",
    "--set",
    "--env",
    "--python",
    "--device",
    "--metric",
    "--expect",
    "--arm",
    "--package",
    "--good",
    "--bad",
    "--isolation",
    "--memory",
    "--seed",
    "--confidence",
    "--error-matches",
    "--release",
    "--locks",
    "--bundle",
    "--pre",
    "--no-cause",
)
WORDS = (
    "toy",
    "1.0",
    "1.5",
    "0",
    "-1",
    "1e9",
    "99999999999999999999",
    "nan",
    "a=b",
    "=",
    "==1.0",
    "toy==1.0",
    "--",
    "-",
    "",
)
"""Words that mean something to one option or another; `texts.ODD` has those that mean nothing anywhere."""


def stored(world, moments):
    """Damage one stored file, then read: no fault of the harness itself, and the file is put back."""
    world.answered()
    path = moments.choice(files(world))
    kept = path.read_bytes()
    how = moments.choice(DAMAGES)
    path.chmod(0o644)
    how(path, moments)
    words = moments.choice(READS)
    wrong = world.wrong(world.run(*words), ends={0, 2, 3, 4})
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(kept)
    return f"{how.__name__} {path.relative_to(world.home)}, {' '.join(words)}: {wrong}" if wrong else ""


class _Page(HTMLParser):
    """Counts what could act in a page."""

    def __init__(self, text):
        super().__init__()
        self.acts = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag in {"script", "iframe", "object", "embed", "base"}:
            self.acts.append(tag)
        for name, value in attributes:
            leads = name in {"href", "src", "action", "xlink:href"}
            if name.startswith("on") or (leads and (value or "").strip().lower().startswith("javascript:")):
                self.acts.append(f"{tag} {name}")


def page(world, moments):
    """Put texts that would act into a stored report, and draw it: the page acts as it did before."""
    world.answered()
    (folder,) = world.work.glob("reports/2*")
    before = sorted(_Page((folder / "index.html").read_text(encoding="utf-8")).acts)
    path = folder / "report.json"
    kept = path.read_bytes()
    facts = json.loads(kept)
    for _ in range(moments.randint(1, 4)):
        _put_active(facts, moments)
    path.write_text(json.dumps(facts), encoding="utf-8")
    done = world.run("report", str(folder))
    path.write_bytes(kept)
    if wrong := world.wrong(done, ends={0, 2, 3, 4}):
        return wrong
    text = (folder / "index.html").read_text(encoding="utf-8")
    after = sorted(_Page(text).acts)
    return f"the page has {after}, and had {before}" if after != before and done.code == 0 else ""


def _put_active(value, moments):
    """Replace one text somewhere in JSON, or mutate it otherwise."""
    texts = []

    def walk(item):
        for key in list(item) if isinstance(item, dict) else range(len(item)):
            if isinstance(item[key], dict | list):
                walk(item[key])
            elif isinstance(item[key], str):
                texts.append((item, key))

    walk(value)
    if texts and moments.random() < 0.9:
        item, key = moments.choice(texts)
        item[key] = moments.choice(ACTIVE)
    else:
        mutated(value, moments)


def words(world, moments):
    """Give a verb words that nobody would: one message, and an exit status of the contract."""
    world.answered()
    odd = [str(one).encode("utf-8", "replace").decode().replace("\0", "") for one in (*ODD, *ACTIVE)]
    asked = [moments.choice(VERBS)]
    for _ in range(moments.randint(1, 4)):
        if moments.random() < 0.6:
            asked.append(moments.choice(OPTIONS))
        asked.append(moments.choice((*WORDS, *odd)))
    if asked[0] == "bisect" and moments.random() < 0.5:
        asked = [*asked, *ASK[1:]]
    done = world.run(*asked)
    wrong = world.wrong(done, {f"1.{n}": {"good", "bad"} for n in range(9)}, ends={0, 1, 2, 3, 4, 125})
    return f"{asked}: {wrong}" if wrong else ""


ATTACKS = {"stored": stored, "page": page, "words": words}
