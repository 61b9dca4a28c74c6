"""A trace as one SVG: what happened in a sentence, the picture, and the ladder."""

from typing import Final

from netlab.render import svg_elements as svg
from netlab.render.markup import Markup
from netlab.render.printable import printable
from netlab.render.svg_colours import picture_style
from netlab.render.text_widths import shortened, text_width, wrapped
from netlab.render.trace.drawn_visits import Naming, drawn_visits, host_label
from netlab.render.trace.ladder import draw_ladder
from netlab.render.trace.layout import MARGIN, WIDTH
from netlab.render.trace.picture import draw_picture
from netlab.render.trace.summary import summary
from netlab.trace.packet import Result
from netlab.trace.paths import Way
from netlab.trace.trace import Trace

_TITLE: Final = 19.0
_BODY: Final = 13.0


def render_trace_svg(trace: Trace, *, numeric: bool = False) -> str:
    """Return the picture of a trace with its ladder, as a file of its own.

    Args:
        trace: What is drawn: the last attempt's first packet each way, and what else ended.
        numeric: Addresses in place of names.
    """
    naming = Naming(names={} if numeric else trace.names)
    drawn, y = _drawn(trace, naming)
    words = description(trace, naming)
    if trace.onward is not None:
        below, height = _drawn(trace.onward, naming)
        drawn.append(svg.element("g", {"transform": f"translate(0 {y:g})"}, below))
        words += f" {description(trace.onward, naming)}"
        y += height
    paper = svg.rect(
        0.5, 0.5, WIDTH - 1, y - 1, rx=14, class_="fill-paper stroke-edge", stroke_width=1
    )
    return (
        svg.document(
            title_of(trace),
            words,
            WIDTH,
            y,
            [paper, *drawn],
            style=picture_style(),
            name="trace",
        )
        + "\n"
    )


def _drawn(trace: Trace, naming: Naming) -> tuple[list[Markup], float]:
    """Return one connection, and how high it is."""
    head, y = _head(trace)
    picture, y = draw_picture(trace, naming, y + 8)
    ladder, y = draw_ladder(trace, naming, y + 30) if trace.packets else ([], y)
    foot, y = _foot(trace, y + 12)
    return [*head, *picture, *ladder, *foot], y


def title_of(trace: Trace) -> str:
    """Return what the trace is of."""
    return f"{trace.caller} → {trace.target}: {trace.verdict.result}"


def description(trace: Trace, naming: Naming) -> str:
    """Return the picture in words: each host in order, with what was rewritten there."""
    sentences = [summary(trace)]
    for packet in {drawn.packet.number: drawn.packet for drawn in drawn_visits(trace)}.values():
        way = "The request" if packet.way is Way.REQUEST else "The reply"
        passed = []
        for visit in packet.visits:
            did = [
                f"{step.kind} {naming.end(step.before)} to {naming.end(step.after)}"
                for drawn in drawn_visits(trace)
                if drawn.visit is visit
                for step in drawn.rewrites
            ]
            passed.append(f"{visit.host} ({', '.join(did)})" if did else visit.host)
        end = "" if packet.verdict.result is Result.DELIVERED else f"; {packet.verdict.words}"
        sentences.append(f"{way} {packet.kind} visits {', '.join(passed)}{end}.")
    return " ".join(sentences)


def _head(trace: Trace) -> tuple[list[Markup], float]:
    good = trace.verdict.result is Result.DELIVERED
    colour = "good" if good else "bad"
    word = f"{'✔' if good else '✖'} {str(trace.verdict.result).upper()}"
    pill = text_width(word, 11.5, bold=True) + 22
    room = WIDTH - 2 * MARGIN - pill - 16
    title = f"{host_label(trace.caller)} → {printable(trace.target)}"
    left = WIDTH - MARGIN - pill
    parts = [
        svg.text(
            MARGIN,
            36,
            shortened(title, room, _TITLE, bold=True),
            class_="fill-ink",
            font_size=_TITLE,
            font_weight=700,
        ),
        svg.rect(left, 18, pill, 25, rx=12.5, class_=f"fill-{colour}-paper stroke-{colour}"),
        svg.text(
            left + pill / 2,
            34.5,
            word,
            class_=f"fill-{colour}",
            font_size=11.5,
            font_weight=700,
            text_anchor="middle",
        ),
    ]
    y = 58.0
    for line in wrapped(summary(trace), WIDTH - 2 * MARGIN, _BODY):
        parts.append(svg.text(MARGIN, y, line, class_="fill-ink", font_size=_BODY))
        y += 18
    return parts, y - 6


def _foot(trace: Trace, y: float) -> tuple[list[Markup], float]:
    """Return what the lines mean, and where all this is known from."""
    x = MARGIN
    parts: list[Markup] = []
    for colour, dashes, word in (("request", None, "request"), ("reply", "6 4", "reply")):
        if any(drawn.packet.way == colour for drawn in drawn_visits(trace)):
            parts += [
                svg.line(
                    (x, y + 6),
                    (x + 26, y + 6),
                    class_=f"stroke-{colour}",
                    stroke_width=2.5,
                    stroke_dasharray=dashes,
                ),
                svg.text(x + 33, y + 10, word, class_="fill-muted", font_size=11),
            ]
            x += 33 + text_width(word, 11) + 16
    if any(drawn.rewrites for drawn in drawn_visits(trace)):
        diamond = f"{x},{y + 6} {x + 6},{y} {x + 12},{y + 6} {x + 6},{y + 12}"
        parts += [
            svg.element("polygon", {"points": diamond, "class": "fill-rewrite"}),
            svg.text(x + 18, y + 10, "rewritten", class_="fill-muted", font_size=11),
        ]
    seen = "Seen by the kernel: " + ", ".join(trace.sources)
    if not trace.is_complete:
        seen = f"INCOMPLETE. {seen}"
    parts.append(
        svg.text(WIDTH - MARGIN, y + 10, seen, class_="fill-muted", font_size=11, text_anchor="end")
    )
    return parts, y + 28
