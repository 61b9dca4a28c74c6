"""Widths of text, and what is left out where there is no room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.render.text_widths import ELLIPSIS, shortened, text_width


def test_a_line_is_as_wide_as_its_letters():
    assert text_width("illi", 12) < text_width("WWWW", 12) / 3
    assert text_width("illi", 12, mono=True) == text_width("WWWW", 12, mono=True)
    assert text_width("abc", 24) == pytest.approx(2 * text_width("abc", 12))
    assert text_width("abc", 12, bold=True) > text_width("abc", 12)


def test_wide_letters_count_as_such():
    assert text_width("\N{HIRAGANA LETTER A}", 12, mono=True) > text_width("a", 12, mono=True)


def test_what_has_room_stays_whole():
    assert shortened("web-1", 100, 12) == "web-1"


def test_what_was_shortened_before_keeps_one_mark():
    assert shortened("source-ip-app…7rv95", 100, 12, bold=True).count(ELLIPSIS) == 1


@given(st.text(min_size=1, max_size=60), st.floats(min_value=15, max_value=300))
def test_a_shortened_text_has_room_and_keeps_both_ends(text: str, room: float):
    short = shortened(text, room, 10)

    assert text_width(short, 10) <= room
    if short not in {text, ELLIPSIS}:
        assert short[0] == text[0]
        assert short[-1] == text[-1]
