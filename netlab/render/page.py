"""A self-contained HTML page: one file, no network, no script needed to read it.

Style and script are written by hand in ``page.css`` and ``page.js`` beside this module, where
editors and people can read them as what they are. Reading a file is input, and this package does
none: who asks for a page reads them (``netlab.cli.page_files``) and hands them in.

The page's own policy lets the browser fetch nothing, and run only the script and apply only the
style whose hashes it states, whatever a text in it may say.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from netlab.render.markup import Child, Markup, element
from netlab.render.svg_colours import page_classes, page_variables

_NO_ICON: Final = "data:,"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFiles:
    """What every page has."""

    css: str
    script: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Values that a page carries, for programs to read."""

    name: str
    """Of the file it is saved as."""
    document: dict[str, Any]


def page(title: str, body: Iterable[Child], data: Data, files: PageFiles) -> str:
    """Return a whole HTML document.

    Args:
        title: Of the window.
        body: What is to be read.
        data: Embedded as JSON.
        files: Style and script.
    """
    style = page_variables() + page_classes() + files.css
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(files.script)};"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )
    head = [
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "referrer", "content": "no-referrer"}),
        element("title", None, title),
        # Without it a browser asks the server, if there is one, for a favicon.
        element("link", {"rel": "icon", "href": _NO_ICON}),
        element("style", None, Markup(style)),
    ]
    scripts = [
        element("script", {"type": "application/json", "id": "data"}, _embedded(data.document)),
        element("script", None, Markup(files.script)),
    ]
    html = element(
        "html",
        {"lang": "en"},
        [element("head", None, head), element("body", None, [*body, *scripts])],
    )
    return f"<!doctype html>\n{html}\n"


def download(data: Data, words: str) -> Markup:
    """Return a link that saves the data."""
    compact = json.dumps(data.document, separators=(",", ":")).encode()
    return link_to_save(compact, "application/json", data.name, words)


def link_to_save(content: bytes, media_type: str, name: str, words: str) -> Markup:
    """Return a link that saves a file; it works without a network and without a script."""
    href = f"data:{media_type};base64,{base64.b64encode(content).decode()}"
    return element("a", {"href": href, "download": name}, words)


def _embedded(document: dict[str, Any]) -> Markup:
    """Return JSON in which no ``<`` stands, so that nothing in it can end the script."""
    text = json.dumps(document, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
