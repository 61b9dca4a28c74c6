"""One browser for all tests of pages."""

import shutil
from collections.abc import Iterator

import pytest

from tests.browser.devtools import Browser, Tab

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium; Debian has one (apt-get install chromium), Ubuntu a snap only")
    with Browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def tab(browser: Browser) -> Tab:
    return browser.tab()
