"""Compiled templates are kept, and a damaged one is compiled again."""

from __future__ import annotations

import os

from jinja2 import DictLoader, Environment

from harness.report import compiled
from harness.report.compiled import CompiledTemplates


def render(folder, source="a {{ word }}"):
    made = Environment(loader=DictLoader({"page": source}), autoescape=True)
    made.bytecode_cache = CompiledTemplates(folder)
    return made.get_template("page").render(word="b")


def test_a_template_is_compiled_once(tmp_path, monkeypatch):
    assert render(tmp_path) == "a b"
    monkeypatch.setattr(Environment, "compile", None)
    assert render(tmp_path) == "a b"
    monkeypatch.undo()
    assert render(tmp_path, "c {{ word }}") == "c b", "another text is another template"


def test_damage_is_passed_over(tmp_path):
    render(tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:40], whole[:-1] + bytes([whole[-1] ^ 1]), whole[:50] + b"\0" + whole[51:]):
        file.write_bytes(damaged)
        assert render(tmp_path) == "a b"
        assert file.read_bytes() == whole, "it was compiled again"
    file.unlink()
    os.mkfifo(file)
    assert render(tmp_path) == "a b", "nobody waits for a pipe"
    assert file.read_bytes() == whole


def test_old_ones_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "MOST", 2)
    for number in range(4):
        render(tmp_path, f"{number} {{{{ word }}}}")
    assert len(list(tmp_path.iterdir())) == 2
