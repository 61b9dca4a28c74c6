"""Elements of SVG: shapes, text, groups, and a document that says what it shows.

All strings are escaped unless they are ``Markup``; see ``netlab.render.markup``. Looks come from
classes, so that one drawing fits light and dark; ``netlab.render.svg_colours`` has them.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from netlab.render.markup import Child, Markup, Value, element, number

SVG: Final = "http://www.w3.org/2000/svg"

Point = tuple[float, float]
"""x to the right, y downwards."""

__all__ = [
    "Markup",
    "Point",
    "circle",
    "document",
    "element",
    "group",
    "line",
    "rect",
    "rounded_path",
    "text",
]


def document(  # noqa: PLR0913 (what a picture must have)
    title: str,
    desc: str,
    width: float,
    height: float,
    children: Iterable[Child],
    *,
    style: str = "",
    name: str = "picture",
) -> Markup:
    """Return a picture that scales with its place and that a screen reader can read out.

    Args:
        title: A few words.
        desc: What is to be seen, in sentences.
        width: In px, of the drawing and of the picture where nothing else is asked for.
        height: In px.
        children: What is drawn.
        style: CSS; none inside a page, which has its own.
        name: Begins the ids, which must be unique in a page.
    """
    attributes: dict[str, Value] = {
        "xmlns": SVG,
        "viewBox": f"0 0 {number(width)} {number(height)}",
        "width": width,
        "height": height,
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
    }
    # No text of a user's is in it, and XML would have "<" escaped that CSS does not.
    sheet = [element("style", None, Markup(style))] if style else []
    head = [
        element("title", {"id": f"{name}-title"}, title),
        element("desc", {"id": f"{name}-desc"}, desc),
    ]
    return element("svg", attributes, [*head, *sheet, *children])


def group(children: Iterable[Child], **attributes: Value) -> Markup:
    """Return children in a group; ``class_`` and ``data_stay`` name the attributes so written."""
    return element("g", _named(attributes), children)


def text(x: float, y: float, content: Child | Iterable[Child], **attributes: Value) -> Markup:
    """Return text whose base line begins at a point, or lies around it as ``text_anchor`` says."""
    return element("text", {"x": x, "y": y, **_named(attributes)}, content)


def rect(x: float, y: float, width: float, height: float, **attributes: Value) -> Markup:
    """Return a rectangle; ``rx`` rounds its corners."""
    place: dict[str, Value] = {"x": x, "y": y, "width": width, "height": height}
    return element("rect", place | _named(attributes))


def circle(x: float, y: float, radius: float, **attributes: Value) -> Markup:
    """Return a circle."""
    return element("circle", {"cx": x, "cy": y, "r": radius, **_named(attributes)})


def line(start: Point, end: Point, **attributes: Value) -> Markup:
    """Return a straight line."""
    ends: dict[str, Value] = {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
    return element("line", ends | _named(attributes))


def rounded_path(points: Sequence[Point], radius: float, **attributes: Value) -> Markup:
    """Return a line through points whose corners are rounded."""
    return element("path", {"d": _rounded(points, radius), "fill": "none", **_named(attributes)})


def _named(attributes: dict[str, Value]) -> dict[str, Value]:
    """Return attributes as SVG writes them: ``class_`` is ``class``, ``_`` is ``-``."""
    return {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}


def _rounded(points: Sequence[Point], radius: float) -> str:
    corners = _corners(points)
    words = [f"M{_at(corners[0])}"]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        reach = min(radius, _distance(before, corner) / 2, _distance(corner, after) / 2)
        words.append(f"L{_at(_towards(corner, before, reach))}")
        words.append(f"Q{_at(corner)} {_at(_towards(corner, after, reach))}")
    return " ".join([*words, f"L{_at(corners[-1])}"])


def _corners(points: Sequence[Point]) -> list[Point]:
    """Leave out points that repeat the one before."""
    return [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]


def _at(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def _distance(a: Point, b: Point) -> float:
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5)


def _towards(start: Point, end: Point, reach: float) -> Point:
    length = _distance(start, end) or 1.0
    part = reach / length
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part
