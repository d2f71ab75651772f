"""An index that refuses, lies or speaks nonsense: a skip of the release that it is about, or exit status 4."""

from __future__ import annotations

import io
import json
import zipfile

from toyindex import DAYS, broken_sdist, wheel
from world import ASK, RELEASES

PORTAL = b"<!doctype html><html><title>Welcome</title><body>Please <a href='/login'>log in</a> to use the network</body></html>"
STATUSES = (400, 401, 403, 404, 410, 418, 429, 500, 502, 503)
HOSTILE = "\x1b[31mred\x07\u202egnp.exe\x9b"


def one_file(world, moments):
    """Let the index refuse, change or replace the file of one release."""
    world.again(answered=False)
    n = moments.randrange(RELEASES)
    name = f"toy-1.{n}-"
    file = next(file for file in world.index.packages["toy"] if name in file.name)
    kind = moments.choice(("status", "cut", "changed", "other", "sdist", "nonsense", "metadata", "portal"))
    replaced = {
        "cut": file.content[: len(file.content) // 2],
        "changed": wheel("toy", f"1.{n}", "def run(): pass\n", ("helper",)).content,
        "nonsense": moments.randbytes(500),
        "portal": PORTAL,
    }
    if kind == "status":
        answers = {name: (moments.choice(STATUSES), "text/plain", b"no")}
    elif kind in replaced:
        answers = {f"/files/{name}": (200, "application/octet-stream", replaced[kind])}
    else:
        answers = {}
        made = {
            "other": lambda: wheel("other", f"1.{n}", "def run(): pass\n", ("helper",), uploaded=DAYS[n]),
            "sdist": lambda: broken_sdist("toy", f"1.{n}", uploaded=DAYS[n]),
            "metadata": lambda: _without_metadata(world, n),
        }[kind]()
        made.name = made.name.replace("other-", "toy-")
        files = world.index.packages["toy"]
        world.index.packages["toy"] = [one for one in files if name not in one.name] + [made]
    with _answering(world, answers):
        cold = moments.random() < 0.6
        done = world.run(
            *ASK, **({"UV_CACHE_DIR": str(world.folder / f"cold-{moments.random()}")} if cold else {})
        )
    wrong = world.wrong(done, ends={0})  # where a cache has the right file, the verdict is the usual one
    return f"{kind} of 1.{n}: {wrong}" if wrong else _afterwards(world)


def _without_metadata(world, n):
    made = wheel("toy", f"1.{n}", world.code(n), ("helper",), uploaded=DAYS[n])
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made.content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.infolist():
            if not member.filename.endswith("METADATA"):
                new.writestr(member, old.read(member))
    made.content = buffer.getvalue()
    return made


def whole_index(world, moments):
    """Let the whole index answer nonsense, with or without a listing that can stand in."""
    world.again(answered=moments.random() < 0.5)
    page = ("application/vnd.pypi.simple.v1+json", "text/html", "text/plain", "application/json")
    bodies = (PORTAL, b"", b"{}", b"[]", b"null", moments.randbytes(300), b'{"files": [{}]}', b"[" * 50_000)
    odd = {
        "meta": {"api-version": "9.9"},
        "name": "toy",
        "files": [{"filename": HOSTILE, "url": HOSTILE, "hashes": {}}],
    }
    answer = (
        moments.choice((200, 200, *STATUSES)),
        moments.choice(page),
        moments.choice((*bodies, json.dumps(odd).encode())),
    )
    with _answering(world, {"/simple/toy": answer}):
        done = world.run(*ASK) if moments.random() < 0.7 else world.run("releases", "toy")
    if wrong := world.wrong(done, ends={0, 2, 4}):
        return f"{answer}: {wrong}"
    if (
        "check the spelling" in done.output
        and answer[0] != 404
        and answer[2] in {PORTAL, b"", b"{}", b"null"}
    ):
        return f"{answer}: blames the spelling: {done.output[-300:]}"
    return _afterwards(world)


def odd_texts(world, moments):
    """Let the index serve texts that would act on a terminal or a page."""
    world.again(answered=False)
    n = moments.randrange(RELEASES)
    file = next(file for file in world.index.packages["toy"] if f"toy-1.{n}-" in file.name)
    file.yanked, before = HOSTILE, file.yanked
    file.requires_python = moments.choice((None, ">=3.8", HOSTILE, ">=99"))
    try:
        done = world.run(*ASK)
        listed = world.run("releases", "toy")
    finally:
        file.yanked, file.requires_python = before, None
    return world.wrong(done, {f"1.{n}": {"good", "bad"}}, ends={0, 4}) or world.wrong(listed)


def _afterwards(world):
    """Return what does not hold once the index is as it should be."""
    world.again(answered=False) if not world.home.exists() else None
    for n in range(RELEASES):
        world.plant(n, world.code(n))
    return world.exact(world.run(*ASK))


class _answering:  # noqa: N801 - reads as words
    """Let requests whose path holds a text be answered otherwise."""

    def __init__(self, world, answers):
        self.index, self.answers = world.index, answers

    def __enter__(self):
        plain = self.index.answer
        self.index.answer = lambda path: (
            next((answer for part, answer in self.answers.items() if part in path), None) or plain(path)
        )

    def __exit__(self, *_):
        del self.index.answer


ATTACKS = {"one file": one_file, "whole index": whole_index, "odd texts": odd_texts}
