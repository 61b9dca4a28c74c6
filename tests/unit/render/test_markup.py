"""Elements whose content cannot become an element by being forgotten."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.render.markup import Markup, element, escaped, fragment

HOSTILE = "</script><img src=x onerror=alert(1)>\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}\"'&amp;"


def test_text_is_escaped_and_markup_is_not():
    inner = element("b", None, "1 < 2")
    assert element("p", {"title": 'a "b"'}, [inner, " & more"]) == (
        '<p title="a &quot;b&quot;"><b>1 &lt; 2</b> &amp; more</p>'
    )


def test_what_is_not_printable_is_shown_as_its_escape():
    assert "\\x1b[31m\\u202e" in escaped(HOSTILE)
    assert "<" not in escaped(HOSTILE)


@given(st.text())
def test_any_text_survives_as_text(content: str):
    found = ET.fromstring(element("p", {"title": content}, content))
    assert (found.text or "") == found.get("title")
    assert len(found) == 0
    assert (found.text or "").isprintable()


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "<a></a>"), (False, "<a></a>"), (True, '<a k=""></a>'), (0.1 + 0.2, '<a k="0.3"></a>')],
)
def test_attributes_are_left_out_or_written_short(value: float | bool | None, written: str):
    assert element("a", {"k": value}) == written


def test_only_elements_that_never_have_content_have_no_end_tag():
    assert element("br") == "<br/>"
    assert element("div") == "<div></div>"


def test_a_fragment_escapes_each_part():
    assert fragment(["<", Markup("<br/>")]) == "&lt;<br/>"
