"""The heat map as a page."""

from dataclasses import replace
from html.parser import HTMLParser

from netlab.render.matrix.page import render_matrix_html
from tests.unit.matrix_samples import DROP, MATRIX, NAMES, cell


class Page(HTMLParser):
    """What a page consists of: its elements, and the text in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_is_a_table_that_reads_without_colours():
    page = Page(render_matrix_html("blue", [MATRIX], NAMES))

    cells = [
        attributes for tag, attributes in page.elements if tag == "td" and "title" in attributes
    ]
    assert len(cells) == 9
    assert page.words.count("source kept") == 1
    assert page.words.count("dropped") == 2
    assert "hidden by node1" in page.words
    rows = [a for tag, a in page.elements if tag == "th" and a.get("scope") == "row"]
    assert len(rows) == 3


def test_the_page_loads_nothing_and_runs_nothing():
    page = Page(render_matrix_html("blue", [MATRIX], NAMES))

    assert not {tag for tag, _ in page.elements} & {"img", "iframe", "object"}
    links = [a["href"] or "" for _, a in page.elements if "href" in a]
    assert all(link.startswith("data:") for link in links)
    assert not [a for _, attributes in page.elements for a in attributes if a == "src"]
    assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on")]
    [policy] = [a["content"] for _, a in page.elements if "http-equiv" in a]
    assert (policy or "").startswith("default-src 'none'")


def test_deciding_rules_are_listed_with_their_text():
    page = Page(render_matrix_html("blue", [MATRIX], NAMES))

    assert DROP.rule in page.words
    assert "client → node2, node1 → node2" in page.words
    assert any("predicted by a walk" in words for words in page.words)


def test_a_comment_from_outside_stays_text():
    hostile = replace(DROP, comment='"><script>alert(1)</script>', rule="-A <b>")
    first = MATRIX.rows[0]
    cells = (cell("client", MATRIX.targets[0], "timeout", hostile), *first.cells[1:])
    page = Page(
        render_matrix_html("<i>", [replace(MATRIX, rows=(replace(first, cells=cells),))], NAMES)
    )

    assert [a for tag, a in page.elements if tag == "script"] == [
        {"type": "application/json", "id": "data"}, {}
    ]  # fmt: skip
    assert "-A <b>" in page.words
    assert "lab <i> · " in page.words


def test_a_lab_without_a_service_says_so():
    assert "This lab has no Service to call." in Page(render_matrix_html("blue", [], {})).words
