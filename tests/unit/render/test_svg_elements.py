"""Shapes and documents of SVG."""

from xml.etree import ElementTree as ET

from netlab.render import svg_elements as svg

NAMESPACE = f"{{{svg.SVG}}}"


def test_a_document_says_what_it_shows():
    picture = ET.fromstring(
        svg.document("a <title>", "what is seen", 800, 400.5, [svg.rect(0, 0, 1, 2, rx=3)])
    )

    assert picture.get("viewBox") == "0 0 800 400.5"
    assert picture.get("role") == "img"
    title, desc = picture.find(f"{NAMESPACE}title"), picture.find(f"{NAMESPACE}desc")
    assert title is not None
    assert desc is not None
    assert (title.text, desc.text) == ("a <title>", "what is seen")
    assert picture.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"


def test_css_stands_in_it_as_it_is():
    picture = svg.document("t", "d", 1, 1, [], style="a > b { fill: red }")

    assert "<style>a > b { fill: red }</style>" in picture
    ET.fromstring(picture)


def test_names_of_attributes_are_those_of_svg():
    shape = svg.text(1, 2, "<x>", class_="label", text_anchor="middle", data_stay=3)

    assert shape == (
        '<text x="1" y="2" class="label" text-anchor="middle" data-stay="3">&lt;x&gt;</text>'
    )


def test_a_corner_is_rounded_no_further_than_half_its_sides():
    path = svg.rounded_path([(0, 0), (10, 0), (10, 4)], 5, class_="wire")

    assert 'd="M0 0 L8 0 Q10 0 10 2 L10 4"' in path


def test_points_that_repeat_make_no_corner():
    path = svg.rounded_path([(0, 0), (0, 0), (10, 0), (10, 0)], 5)

    assert 'd="M0 0 L10 0"' in path


def test_shapes_have_their_places():
    assert svg.circle(1, 2, 3) == '<circle cx="1" cy="2" r="3"/>'
    assert svg.line((0, 1), (2, 3)) == '<line x1="0" y1="1" x2="2" y2="3"/>'
    assert svg.group([svg.circle(0, 0, 1)], class_="a") == (
        '<g class="a"><circle cx="0" cy="0" r="1"/></g>'
    )
