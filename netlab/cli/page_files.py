"""The style and the script of netlab's pages, which are files of the package."""

from importlib.resources import files
from typing import Final

from netlab.render.page import PageFiles

_PACKAGE: Final = "netlab.render"


def read_page_files() -> PageFiles:
    """Return what ``netlab.render.page`` puts into every page."""
    package = files(_PACKAGE)
    css, script = (
        package.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    return PageFiles(css=css, script=script)
