"""The page of a trace, and its picture, in a browser."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from netlab.cli.page_files import read_page_files
from netlab.render.svg_colours import COLOURS
from netlab.render.trace.page import render_trace_page
from netlab.render.trace.svg import render_trace_svg
from netlab.trace.trace import Trace
from tests.browser.devtools import Tab
from tests.unit import drawn_samples as samples

TRACES = [
    samples.nodeport,
    samples.dropped,
    samples.retried,
    samples.hairpin,
    samples.unsent,
    samples.looped,
    samples.hostile,
    samples.crowded,
]
SAYING = "document.getElementById('saying').textContent"
NOW = "document.querySelector('.cards:not(#shown) .card.now')?.id ?? ''"
AHEAD = "[...document.querySelectorAll('.ahead')].map(e => e.dataset.stay)"
FOCUS = "document.activeElement.id || document.activeElement.dataset.step || ''"


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Trace], Path]:
    """Return a writer of a trace's page."""

    def write(trace: Trace) -> Path:
        path = tmp_path / "trace.html"
        path.write_text(render_trace_page(trace, read_page_files()))
        return path

    return write


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("make", TRACES)
def test_a_page_fetches_nothing_and_raises_no_complaint(
    tab: Tab, written: Callable[[Trace], Path], make: Callable[[], Trace], *, dark: bool
):
    path = written(make())

    tab.open(path, dark=dark)
    tab.press("ArrowRight")
    tab.evaluate("0")

    fetched = [url for url in tab.requests if not url.startswith("data:")]
    assert fetched == [path.as_uri()]
    assert tab.complaints == []


def test_keys_step_through_the_path_host_by_host(tab: Tab, written: Callable[[Trace], Path]):
    tab.open(written(samples.nodeport()))
    assert tab.evaluate(NOW) == ""

    tab.press("ArrowRight")
    assert tab.evaluate(NOW) == "stay-1"
    assert tab.evaluate(SAYING).startswith("1 of 12. SYN at client: is made here")
    assert "2" in tab.evaluate(AHEAD)
    tab.press("ArrowRight")
    tab.press("ArrowRight")
    assert tab.evaluate(NOW) == "stay-3"
    assert "DNAT turns node2:30080 into" in tab.evaluate(SAYING)
    assert {"3", "2"}.isdisjoint(tab.evaluate(AHEAD))
    tab.press("ArrowLeft")
    assert tab.evaluate(NOW) == "stay-2"


def test_keys_that_scroll_step_only_where_the_picture_has_the_focus(
    tab: Tab, written: Callable[[Trace], Path]
):
    tab.open(written(samples.nodeport()))
    tab.press("End")
    assert tab.evaluate(NOW) == ""

    tab.evaluate("document.getElementById('stepper').focus()")
    for key, stay in (
        ("End", "stay-12"),
        ("ArrowRight", "stay-12"),
        ("Home", "stay-1"),
        (" ", "stay-2"),
        ("ArrowDown", "stay-3"),
        ("Escape", ""),
    ):
        tab.press(key)
        assert tab.evaluate(NOW) == stay, key
    tab.press("End")
    tab.press(" ", shift=True)
    assert tab.evaluate(NOW) == "stay-11"


def test_the_keyboard_reaches_the_picture_then_its_buttons_and_the_focus_is_seen(
    tab: Tab, written: Callable[[Trace], Path]
):
    tab.open(written(samples.nodeport()))

    tab.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    tab.press("Tab")
    assert tab.evaluate(FOCUS) == "stepper"
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    reached = []
    for _ in range(4):
        tab.press("Tab")
        reached.append(tab.evaluate(FOCUS))
    assert reached == ["first", "back", "on", "last"]
    tab.press("Enter")
    assert tab.evaluate(NOW) == "stay-12"
    # "last" is of no use now, and would have swallowed the keys.
    assert tab.evaluate(FOCUS) == "stepper"
    tab.press("ArrowLeft")
    assert tab.evaluate(NOW) == "stay-11"


def test_what_is_stepped_to_is_told_to_screen_readers(tab: Tab, written: Callable[[Trace], Path]):
    tab.open(written(samples.dropped()))
    tab.evaluate("document.querySelector('[data-step=last]').click()")

    assert tab.evaluate("document.getElementById('saying').ariaLive") == "polite"
    assert "comes no further: dropped on node2" in tab.evaluate(SAYING)
    assert tab.evaluate("document.getElementById('shown').ariaHidden") == "true"


def test_without_script_everything_can_be_read(tab: Tab, written: Callable[[Trace], Path]):
    tab.open(written(samples.nodeport()), script=False)

    seen = tab.evaluate("document.body.innerText")
    assert not tab.evaluate("document.getElementById('controls').checkVisibility()")
    for words in (
        "The pod sees node2 (10.240.0.4), not client",
        "-A KUBE-SERVICES -j DNAT --to-destination 10.244.1.2:8080",
        "Rules that matched",
        "Save this trace as JSON",
    ):
        assert words in seen, words
    hidden = tab.evaluate(
        "[...document.querySelectorAll('main *, header *')].filter(e => e.textContent.trim()"
        " && !e.closest('#controls, svg title, svg desc') && !e.checkVisibility()).length"
    )
    assert hidden == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_follows_light_and_dark(tab: Tab, written: Callable[[Trace], Path], *, dark: bool):
    tab.open(written(samples.nodeport()), dark=dark)

    paper = tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    line = tab.evaluate("getComputedStyle(document.querySelector('.stroke-request')).stroke")
    assert paper == rgb(COLOURS["paper"][dark])
    assert line == rgb(COLOURS["request"][dark])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_picture_follows_light_and_dark(tab: Tab, tmp_path: Path, *, dark: bool):
    path = tmp_path / "trace.svg"
    path.write_text(render_trace_svg(samples.nodeport()))

    tab.open(path, dark=dark)

    assert tab.evaluate("getComputedStyle(document.querySelector('rect')).fill") == (
        rgb(COLOURS["paper"][dark])
    )
    assert tab.complaints == []
    assert tab.requests == [path.as_uri()]


def rgb(colour: str) -> str:
    parts = ", ".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return f"rgb({parts})"


@pytest.mark.parametrize("make", TRACES)
@pytest.mark.parametrize("width", [400, 1400])
def test_a_page_is_never_wider_than_its_window(
    tab: Tab, written: Callable[[Trace], Path], make: Callable[[], Trace], width: int
):
    tab.open(written(make()), width=width)

    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_narrow_screen_stepping_brings_the_host_into_view(
    tab: Tab, written: Callable[[Trace], Path]
):
    tab.open(written(samples.nodeport()), width=400)
    for _ in range(6):
        tab.press("ArrowRight")

    left, right = tab.evaluate(
        "(e => [e.left, e.right])([...document.querySelectorAll('#stepper .badge')]"
        ".find(e => e.textContent === '6').getBoundingClientRect())"
    )
    assert 0 <= left < right <= 400


@pytest.mark.parametrize("make", TRACES)
def test_no_word_of_a_picture_leaves_it(tab: Tab, tmp_path: Path, make: Callable[[], Trace]):
    path = tmp_path / "trace.svg"
    path.write_text(render_trace_svg(make()))

    tab.open(path, width=800)

    outside = tab.evaluate(
        "[...document.querySelectorAll('text')].map(t => [t.textContent, t.getBBox()])"
        ".filter(([, b]) => b.x < 0 || b.x + b.width > 800).map(([words]) => words)"
    )
    assert outside == []


def test_a_hostile_comment_is_inert(tab: Tab, written: Callable[[Trace], Path]):
    tab.open(written(samples.hostile()))

    assert tab.evaluate("document.images.length") == 0
    assert tab.evaluate("document.querySelectorAll('style, script').length") == 3
    assert tab.evaluate("document.querySelector('h1').checkVisibility()")
    assert "</script><img src=x onerror=alert(1)>" in tab.evaluate("document.body.innerText")
    assert tab.evaluate("JSON.parse(document.getElementById('data').textContent).service") == (
        samples.HOSTILE
    )


def test_paper_gets_all_cards_and_no_buttons(tab: Tab, written: Callable[[Trace], Path]):
    tab.open(written(samples.nodeport()), dark=True)
    tab.press("ArrowRight")
    printed = tab.print_()
    tab.look_as_print()

    assert not tab.evaluate("document.getElementById('controls').checkVisibility()")
    paper = tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper == rgb(COLOURS["paper"][0])
    faded = "[...document.querySelectorAll('.ahead')].map(e => getComputedStyle(e).opacity)"
    assert set(tab.evaluate(faded)) == {"1"}

    assert printed.startswith(b"%PDF")
    # A4 pages: the cards of twelve stays with all their rules need some.
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 3
