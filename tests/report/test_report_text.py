"""Foreign text is harmless."""

from __future__ import annotations

import time
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.markdown import code, md
from harness.report.text import anchor, capped, clean, one_line


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10%\r50%\r100%\ndone", "100%\ndone"),
        ("windows\r\nline", "windows\nline"),
        ("bell\x07 null\x00", "bell␇ null␀"),
        ("right\u202eto left", "right⟨U+202E⟩to left"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("not a character \ufffe", "not a character \ufffd"),
        ("plain ünïcödé 漢字 🙂\tand tabs", "plain ünïcödé 漢字 🙂\tand tabs"),
    ],
)
def test_what_is_shown(given_text, shown):
    assert clean(given_text) == shown


@given(st.text(st.characters(), max_size=200))
def test_cleaned_text_is_allowed_in_xml_and_utf8(text):
    element = ET.Element("x")
    element.text = clean(text)
    assert ET.fromstring(ET.tostring(element, encoding="unicode")).text == (clean(text) or None)
    clean(text).encode("utf-8")


@given(st.text(max_size=300), st.integers(min_value=8, max_value=100))
def test_capped_text_keeps_both_ends(text, limit):
    result = capped(text, limit)
    assert len(result) <= limit + 60
    assert result.startswith(text[: limit // 4])
    assert result.endswith(text[-(limit - limit // 4) :])


@given(st.text(max_size=2000))
def test_one_line_is_one_line(text):
    assert len(one_line(text, 50)) <= 50
    assert "\n" not in one_line(text, 50)


@pytest.mark.parametrize(
    "hostile", ["\x1b[" + "1;" * 5_000_000, "\x1b]" * 5_000_000, "\r" * 10_000_000, "a" * 10_000_000]
)
def test_ten_megabytes_on_one_line_cost_nothing(hostile):
    start = time.process_time()
    assert len(clean(hostile, 8_000)) < 9_000
    assert time.process_time() - start < 1


def test_anchors_stay_distinct():
    assert anchor("probe", "fp16", "0.7.0") == "probe-fp16-0.7.0"
    assert anchor("probe", "a b") != anchor("probe", "a/b")
    assert set(anchor("x", '"><script>')) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
    )


def test_markdown_says_and_does_not_act():
    assert md("<img src=x> [a](b) @someone #12 | *bold* lora_A\n_next") == (
        "&#60;img src=x> \\[a\\](b) &#64;someone \\#12 &#124; \\*bold\\* lora_A \\_next"
    )
    assert code("a `tick` | pipe") == "`` a `tick` ¦ pipe ``"
