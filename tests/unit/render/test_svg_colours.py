"""Colours: a contrast that can be read, on light and on dark."""

import re

import pytest

from netlab.render.svg_colours import COLOURS, page_classes, page_variables, picture_style

PAPERS = {"rewrite": "rewrite-paper", "bad": "bad-paper", "good": "good-paper"}


def luminance(colour: str) -> float:
    """Source: WCAG 2.2, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("role", ["ink", "muted", "request", "reply", "rewrite", "bad", "good"])
def test_text_can_be_read_on_every_ground_it_stands_on(role: str, side: int):
    grounds = ["paper", "host", "node", "pod", PAPERS.get(role, "paper")]
    found = {ground: contrast(COLOURS[role][side], COLOURS[ground][side]) for ground in grounds}

    assert min(found.values()) >= 4.5, found


def test_every_colour_has_its_classes_and_its_variable():
    style, classes, variables = picture_style(), page_classes(), page_variables()
    for role, (light, dark) in COLOURS.items():
        assert f".fill-{role}{{fill:{light}}}.stroke-{role}{{stroke:{light}}}" in style
        assert f".fill-{role}{{fill:{dark}}}" in style.partition("@media")[2]
        assert f".fill-{role}{{fill:var(--{role})}}" in classes
        assert f"--{role}:{light};" in variables


def test_nothing_is_fetched():
    for css in (picture_style(), page_classes(), page_variables()):
        assert not re.search(r"url\(|@import|@font-face|[<&]", css)
