"""Elements of HTML and SVG as text that is escaped unless it is markup already.

A string is text: what is special in it is escaped, what is not printable is shown as an escape.
Only what these functions return is ``Markup`` and goes into a document as it is, so that a rule's
comment cannot become an element by being forgotten.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from netlab.render.printable import printable

Value = str | int | float | bool | None
"""Of an attribute: True is an attribute without a value, None and False are no attribute."""

_EMPTY: Final = frozenset(
    {
        *("br", "col", "hr", "img", "input", "link", "meta"),
        *("circle", "ellipse", "line", "path", "polygon", "polyline", "rect", "use"),
    }
)
"""Elements that never have content; all others get an end tag, which HTML wants."""


class Markup(str):
    """Text that is part of a document already; nothing in it is escaped again."""

    __slots__ = ()


Child = str
"""Markup as it is, any other string as text."""


def element(
    name: str, attributes: Mapping[str, Value] | None = None, children: Child | Iterable[Child] = ()
) -> Markup:
    """Return an element.

    Args:
        name: Of the element.
        attributes: By name, in their order. A number is written as short as it is exact to 1/100.
        children: One or several; each is ``Markup``, or text.

    >>> element("text", {"x": 1.5, "class": "a"}, "1 < 2")
    '<text x="1.5" class="a">1 &lt; 2</text>'
    """
    written = "".join(
        _attribute(key, value)
        for key, value in (attributes or {}).items()
        if value is not None and value is not False
    )
    inside = fragment(children)
    if not inside and name in _EMPTY:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{inside}</{name}>")


def fragment(children: Child | Iterable[Child]) -> Markup:
    """Return children one after the other, without an element around them."""
    several = (children,) if isinstance(children, str) else children
    return Markup("".join(escaped(child) for child in several))


def escaped(text: str) -> Markup:
    r"""Return text as content of an element or an attribute; markup as it is.

    >>> escaped("</script>\x1b")
    '&lt;/script&gt;\\x1b'
    """
    if isinstance(text, Markup):
        return text
    shown = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(shown.replace('"', "&quot;"))


def number(value: float) -> str:
    """Return a length or a coordinate, to 1/100.

    >>> number(3.0), number(2 / 3)
    ('3', '0.67')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _attribute(key: str, value: Value) -> str:
    if value is True:
        return f' {key}=""'
    text = number(value) if isinstance(value, int | float) else escaped(str(value))
    return f' {key}="{text}"'
