"""Colours and type of all pictures, for light and dark.

A colour is asked for by what it means. In a picture it is a class, ``fill-request`` or
``stroke-request``: plain rules with one media query, which viewers understand that know no CSS
variables. A page gets the same colours as variables. No text is told by colour alone: what has a
colour has a word, a line style or a place of its own too.
"""

from collections.abc import Mapping
from typing import Final

SANS: Final = (
    "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans',"
    " system-ui, sans-serif"
)
MONO: Final = (
    "ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace"
)

COLOURS: Final[Mapping[str, tuple[str, str]]] = {
    "paper": ("#ffffff", "#0f141b"),
    "ink": ("#18212d", "#e8eef5"),
    "muted": ("#566273", "#9fadbd"),
    "edge": ("#c5ced9", "#3b4757"),
    "faint": ("#e4e9ef", "#232c38"),
    "host": ("#f4f6f9", "#171e28"),
    "node": ("#edf3fc", "#15202f"),
    "node-edge": ("#a9c1e6", "#34506f"),
    "pod": ("#ffffff", "#0f141b"),
    "pod-edge": ("#8ea6c8", "#4b678a"),
    "request": ("#0b5fd0", "#62aaff"),
    "reply": ("#7a3fc4", "#c6a0ff"),
    "rewrite": ("#a34a00", "#ffb066"),
    "rewrite-paper": ("#fff3e3", "#33230f"),
    "bad": ("#c4202d", "#ff8078"),
    "bad-paper": ("#ffebec", "#3a1719"),
    "good": ("#17733a", "#5fd983"),
    "good-paper": ("#e6f6eb", "#12301d"),
}
"""What a colour means, and how it looks on light and on dark. Text has a contrast of 4.5 and more
with the paper that belongs to it."""


def picture_style() -> str:
    """Return CSS that gives a picture its colours and its type."""
    light = "".join(_rules(role, colours[0]) for role, colours in COLOURS.items())
    dark = "".join(_rules(role, colours[1]) for role, colours in COLOURS.items())
    fonts = f"text{{font-family:{SANS}}}text.mono,.mono{{font-family:{MONO}}}"
    return f"{fonts}{light}@media (prefers-color-scheme:dark){{{dark}}}"


def page_variables() -> str:
    """Return CSS that declares each colour as a variable, such as ``--request``."""
    light, dark = (
        "".join(f"--{role}:{colours[side]};" for role, colours in COLOURS.items())
        for side in (0, 1)
    )
    fonts = f"--sans:{SANS};--mono:{MONO};"
    return (
        f":root{{color-scheme:light dark;{fonts}{light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        # Paper is white whatever the screen is.
        f"@media print{{:root{{color-scheme:light;{light}}}}}"
    )


def page_classes() -> str:
    """Return CSS for pictures inside a page that has the variables."""
    fonts = "svg text{font-family:var(--sans)}svg text.mono,svg .mono{font-family:var(--mono)}"
    return fonts + "".join(_rules(role, f"var(--{role})") for role in COLOURS)


def _rules(role: str, colour: str) -> str:
    return f".fill-{role}{{fill:{colour}}}.stroke-{role}{{stroke:{colour}}}"
