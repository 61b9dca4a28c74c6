"""The page and the picture of a matrix, and the picture of a lab, in a browser."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from netlab.render.graph.svg import render_graph_svg
from netlab.render.matrix.page import render_matrix_html
from netlab.render.matrix.svg import render_matrix_svg
from netlab.render.svg_colours import COLOURS
from netlab.trace.matrix import ServiceMatrix
from tests.browser.devtools import Tab
from tests.unit import graph_samples
from tests.unit.matrix_samples import DROP, MATRIX, NAMES, cell

HOSTILE = "</script><img src=x onerror=alert(1)>"


def hostile() -> ServiceMatrix:
    """Return a matrix whose first cell was decided by a rule with a hostile comment."""
    rule = replace(DROP, comment=HOSTILE, rule=f"-A {HOSTILE}")
    first = MATRIX.rows[0]
    cells = (cell("client", MATRIX.targets[0], "timeout", rule), *first.cells[1:])
    return replace(MATRIX, rows=(replace(first, cells=cells), *MATRIX.rows[1:]))


def wide() -> ServiceMatrix:
    """Return a matrix with forty columns."""
    return replace(
        MATRIX,
        targets=(*MATRIX.targets, *[MATRIX.targets[2]] * 37),
        rows=tuple(replace(r, cells=(*r.cells, *[r.cells[2]] * 37)) for r in MATRIX.rows),
    )


PICTURES = {
    "matrix": lambda: render_matrix_svg("blue", [MATRIX]),
    "wide matrix": lambda: render_matrix_svg("blue", [wide(), MATRIX]),
    "hostile matrix": lambda: render_matrix_svg("blue", [hostile()]),
    "lab": lambda: render_graph_svg(graph_samples.SMALL),
    "large lab": lambda: render_graph_svg(graph_samples.large()),
    "every pod": lambda: render_graph_svg(graph_samples.large(), every_pod=True),
    "hostile lab": lambda: render_graph_svg(graph_samples.hostile()),
}


@pytest.fixture
def written(tmp_path: Path) -> Callable[[ServiceMatrix], Path]:
    """Return a writer of a matrix's page."""

    def write(matrix: ServiceMatrix) -> Path:
        path = tmp_path / "matrix.html"
        path.write_text(render_matrix_html("blue", [matrix], NAMES))
        return path

    return write


def rgb(colour: str) -> str:
    parts = ", ".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return f"rgb({parts})"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fetches_nothing_and_follows_light_and_dark(
    tab: Tab, written: Callable[[ServiceMatrix], Path], *, dark: bool
):
    path = written(MATRIX)
    tab.open(path, dark=dark)

    paper = tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    dropped = tab.evaluate("getComputedStyle(document.querySelector('td.fate-dropped')).color")
    assert (paper, dropped) == (rgb(COLOURS["paper"][dark]), rgb(COLOURS["bad"][dark]))
    assert [url for url in tab.requests if not url.startswith("data:")] == [path.as_uri()]
    assert tab.complaints == []


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("matrix", [MATRIX, wide()], ids=["few columns", "many columns"])
def test_the_page_is_never_wider_than_its_window(
    tab: Tab, written: Callable[[ServiceMatrix], Path], matrix: ServiceMatrix, width: int
):
    tab.open(written(matrix), width=width)

    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_every_cell_has_words_a_sign_and_its_sentence(
    tab: Tab, written: Callable[[ServiceMatrix], Path]
):
    tab.open(written(MATRIX))

    cells = tab.evaluate(
        "[...document.querySelectorAll('.heat td')].map(c => [c.innerText, c.title])"
    )
    assert len(cells) == 9
    assert all(len(words.split()) >= 2 and " → " in title for words, title in cells)


def test_a_hostile_comment_is_inert(tab: Tab, written: Callable[[ServiceMatrix], Path]):
    tab.open(written(hostile()))

    assert tab.evaluate("document.images.length") == 0
    assert HOSTILE in tab.evaluate("document.body.innerText")
    comment = "services[0].rows[0].results[0].decision.comment"
    data = "JSON.parse(document.getElementById('data').textContent)"
    assert tab.evaluate(f"{data}.{comment}") == HOSTILE


def test_paper_is_light_and_keeps_the_colours_of_cells(
    tab: Tab, written: Callable[[ServiceMatrix], Path]
):
    tab.open(written(MATRIX), dark=True)
    assert tab.print_().startswith(b"%PDF")
    tab.look_as_print()

    style = "getComputedStyle(document.querySelector('td.fate-dropped'))"
    assert tab.evaluate("getComputedStyle(document.documentElement).backgroundColor") == (
        rgb(COLOURS["paper"][0])
    )
    assert tab.evaluate(f"{style}.backgroundColor") == rgb(COLOURS["bad-paper"][0])
    assert tab.evaluate(f"{style}.printColorAdjust") == "exact"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PICTURES)
def test_every_word_of_a_picture_lies_in_it(tab: Tab, tmp_path: Path, name: str, *, dark: bool):
    path = tmp_path / "picture.svg"
    path.write_text(PICTURES[name]())
    tab.open(path, dark=dark)

    width = tab.evaluate("document.documentElement.viewBox.baseVal.width")
    outside = tab.evaluate(
        "[...document.querySelectorAll('text')].map(t => [t.textContent, t.getBBox()])"
        f".filter(([, b]) => b.x < 0 || b.x + b.width > {width}).map(([words]) => words)"
    )
    assert outside == []
    fill = tab.evaluate("getComputedStyle(document.querySelector('rect')).fill")
    assert fill == rgb(COLOURS["paper"][dark])
    assert tab.complaints == []
    assert tab.requests == [path.as_uri()]


@pytest.mark.parametrize("name", ["matrix", "wide matrix", "lab", "every pod"])
def test_no_word_leaves_its_box(tab: Tab, tmp_path: Path, name: str):
    path = tmp_path / "picture.svg"
    path.write_text(PICTURES[name]())
    tab.open(path)

    # The box of a text is the last rectangle drawn before it that its beginning lies in.
    leaving = tab.evaluate(
        """(() => {
          const shapes = [...document.querySelectorAll('rect, text')], found = [];
          shapes.forEach((text, at) => {
            if (text.tagName !== 'text') return;
            const b = text.getBBox(), y = b.y + b.height / 2;
            const before = shapes.slice(0, at).filter(s => s.tagName === 'rect');
            const boxes = before.map(s => s.getBBox()).filter(r =>
              r.x <= b.x + 1 && b.x < r.x + r.width && r.y <= y && y < r.y + r.height);
            const box = boxes.at(-1);
            if (box && b.x + b.width > box.x + box.width + 1) found.push(text.textContent);
          });
          return found;
        })()"""
    )
    assert leaving == []
