"""Style and script of the pages, as the package has them."""

import re

from netlab.cli.page_files import read_page_files
from netlab.render.svg_colours import page_variables


def test_the_files_fetch_nothing_and_stay_inside_their_elements():
    found = read_page_files()

    assert not re.search(r"url\(|@import|</|https?:", found.css)
    assert not re.search(r"fetch\(|XMLHttp|import |innerHTML|eval\(|</|https?:", found.script)


def test_every_colour_of_the_style_is_one_of_the_palette():
    used = set(re.findall(r"var\((--[a-z-]+)\)", read_page_files().css))

    assert used
    assert {name for name in used if f"{name}:" not in page_variables()} == set()
