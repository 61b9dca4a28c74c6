"""A trace as one page: the verdict, the path over the lab, the ladder, a card for each visit."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from netlab.render import svg_elements as svg
from netlab.render.markup import Child, Markup, Value, element
from netlab.render.page import Data, PageFiles, download, link_to_save, page
from netlab.render.trace.cards import Cards, effect
from netlab.render.trace.document import trace_document
from netlab.render.trace.drawn_visits import DrawnVisit, Naming, drawn_visits, duration, heading
from netlab.render.trace.ladder import draw_ladder
from netlab.render.trace.layout import WIDTH
from netlab.render.trace.picture import draw_picture
from netlab.render.trace.summary import summary
from netlab.render.trace.svg import description, title_of
from netlab.trace.packet import Packet, Result, RuleHit
from netlab.trace.trace import Trace


def render_trace_page(
    trace: Trace, files: PageFiles, *, numeric: bool = False, pcapng: bytes = b""
) -> str:
    """Return a trace as an HTML page that needs nothing else.

    Args:
        trace: Pictures and cards show the last attempt's first packet each way, and what else
            ended otherwise; the table has every packet.
        files: Style and script of pages.
        numeric: Addresses in place of names.
        pcapng: A file with the frames, for a link that saves it; none without it.
    """
    naming = Naming(names={} if numeric else trace.names)
    data = Data(name=f"trace-{trace.lab}.json", document=trace_document(trace))
    found = drawn_visits(trace)
    body = [
        element("a", {"class": "skip", "href": "#stays"}, "Skip to each host"),
        _header(trace),
        element(
            "main",
            None,
            [
                *_pictures(trace, naming, found),
                *_onward(trace, naming),
                _cards(trace, naming, found),
                _packets(trace, naming),
                _rules(trace),
                _evidence(trace, data, pcapng),
            ],
        ),
    ]
    return page(title_of(trace), body, data, files)


def _header(trace: Trace) -> Markup:
    good = trace.verdict.result is Result.DELIVERED
    word = f"{'✔' if good else '✖'} {trace.verdict.result}"
    parts: list[Child] = [
        element("p", {"class": f"verdict {'good' if good else 'bad'}"}, word),
        element("h1", None, f"{trace.caller} → {trace.target}"),
        element("p", {"class": "lesson"}, summary(trace)),
        element("dl", {"class": "facts"}, list(_facts(trace))),
    ]
    if trace.verdict.hint:
        code = element("code", None, trace.verdict.hint)
        parts.append(element("p", {"class": "try"}, [element("strong", None, "Try"), " ", code]))
    if not trace.is_complete:
        words = "Incomplete: the kernel lost messages or frames, so some of this is missing."
        parts.append(element("p", {"class": "warning"}, words))
    parts += [element("p", {"class": "warning"}, warning) for warning in trace.warnings]
    return element("header", {"class": "top"}, parts)


def _facts(trace: Trace) -> Iterator[Markup]:
    total = len(trace.packets)
    tries = f" in {trace.attempts} attempts" if trace.attempts > 1 else ""
    same = "the same way" if trace.is_symmetric() else "another way"
    facts = {
        "Service": trace.service,
        f"{trace.caller} heard": trace.outcome,
        "Packets": f"{total}{tries}",
        "The reply came": same if trace.is_reply_heard() else "",
        "Lab": trace.lab,
        "Time": trace.started,
    }
    for term, what in facts.items():
        if what:
            yield element("div", None, [element("dt", None, term), element("dd", None, what)])


def _pictures(trace: Trace, naming: Naming, found: Sequence[DrawnVisit]) -> Iterator[Markup]:
    if not found:
        return
    words = description(trace, naming)
    picture, height = draw_picture(trace, naming, 6)
    ladder, ladder_height = draw_ladder(trace, naming, 6)
    over = svg.document("The path over the lab", words, WIDTH, height + 6, picture, name="picture")
    down = svg.document(
        "The packets in time", words, WIDTH, ladder_height + 6, ladder, name="ladder"
    )
    yield element(
        "section",
        {"aria-labelledby": "path"},
        [
            element("h2", {"id": "path"}, "The path"),
            element(
                "div",
                {
                    "class": "stepper",
                    "id": "stepper",
                    "role": "group",
                    "aria-label": "The path, host by host",
                },
                [element("div", {"class": "scroll drawing"}, [over]), _controls(len(found))],
            ),
        ],
    )
    yield element(
        "section",
        {"aria-labelledby": "time"},
        [
            element("h2", {"id": "time"}, "In time"),
            element("div", {"class": "scroll drawing", "tabindex": 0}, [down]),
        ],
    )


def _onward(trace: Trace, naming: Naming) -> Iterator[Markup]:
    """Yield the connection that a proxy made for this one: its verdict, its path, its ladder."""
    onward = trace.onward
    if onward is None:
        return
    words = description(onward, naming)
    drawings = []
    for draw, title in ((draw_picture, "The path over the lab"), (draw_ladder, "In time")):
        drawn, height = draw(onward, naming, 6)
        name = f"onward-{draw.__name__.removeprefix('draw_')}"
        drawings.append(
            element(
                "div",
                {"class": "scroll drawing", "tabindex": 0},
                [svg.document(title, words, WIDTH, height + 6, drawn, name=name)],
            )
        )
    good = onward.verdict.result is Result.DELIVERED
    verdict = f"{'✔' if good else '✖'} {onward.verdict.result}"
    yield element(
        "section",
        {"aria-labelledby": "onward"},
        [
            element("h2", {"id": "onward"}, f"The connection of {onward.caller}"),
            element("p", {"class": f"verdict {'good' if good else 'bad'}"}, verdict),
            element("p", {"class": "lesson"}, summary(onward)),
            *drawings,
        ],
    )


def _controls(total: int) -> Markup:
    """Return what steps through the path; the script shows it."""
    buttons = [
        element("button", {"type": "button", "data-step": step, "aria-label": label}, sign)
        for step, label, sign in (
            ("first", "First host", "first"),
            ("back", "One host back", "back"),
            ("on", "Next host", "next"),
            ("last", "Last host", "last"),
            ("all", "Show the whole path", "whole path"),
        )
    ]
    keys = "→ ← or Space step, Home and End jump, Esc shows the whole path"
    return element(
        "div",
        {"class": "controls", "id": "controls", "hidden": True},
        [
            element("div", {"class": "buttons"}, buttons),
            element("p", {"class": "keys muted", "id": "keys"}, keys),
            element("p", {"id": "saying", "aria-live": "polite", "data-total": total}),
            element("ol", {"id": "shown", "class": "cards", "aria-hidden": "true"}),
        ],
    )


def _cards(trace: Trace, naming: Naming, found: Sequence[DrawnVisit]) -> Markup:
    cards = Cards(trace, naming)
    parts: list[Child] = [element("h2", {"id": "stays"}, "At each host")]
    if not found:
        parts.append(element("p", None, "No packet of this connection was seen."))
    for packet, group in groupby(found, key=lambda drawn: drawn.packet):
        parts.append(element("h3", {"class": str(packet.way)}, heading(trace, packet)))
        parts.append(element("ol", {"class": "cards"}, [cards.card(drawn) for drawn in group]))
    return element("section", {"aria-labelledby": "stays"}, parts)


def _packets(trace: Trace, naming: Naming) -> Markup:
    titles = ["packet", "attempt", "after", "", "kind", "source", "destination", "hosts", "end"]
    rows = [_cells("td", _packet(trace, packet, naming)) for packet in trace.packets]
    table = element(
        "table",
        {"class": "packets"},
        [element("thead", None, [_cells("th", titles)]), element("tbody", None, rows)],
    )
    return _section("packets", "All packets", table)


def _packet(trace: Trace, packet: Packet, naming: Naming) -> list[Child]:
    pair = packet.first_pair()
    ends: list[Child] = [
        element("span", {"class": "mono"}, naming.end(end)) for end in pair or ()
    ] or ["", ""]
    good = packet.verdict.result is Result.DELIVERED
    end = element("span", {"class": None if good else "bad"}, packet.verdict.words)
    return [
        str(packet.number),
        str(packet.attempt),
        duration(packet.time_ns - trace.packets[0].time_ns),
        element("span", {"class": str(packet.way)}, str(packet.way)),
        packet.kind,
        *ends,
        " ▸ ".join(packet.hosts()),
        end,
    ]


def _rules(trace: Trace) -> Markup:
    # Packets meet one rule with different marks: it is one rule all the same.
    met: dict[tuple[str, str, str], list[RuleHit]] = {}
    for packet in trace.packets:
        for host, step in packet.steps():
            if isinstance(step, RuleHit) and step.text:
                met.setdefault((host, step.table, step.text), []).append(step)
    rows = [
        _cells(
            "td",
            [
                host,
                f"{table} {hits[0].chain}",
                f"#{hits[0].index}" if hits[0].index is not None else "",
                effect(hits[0]),
                str(len(hits)),
                element("code", {"class": "rule"}, text),
            ],
        )
        for (host, table, text), hits in met.items()
    ]
    head = _cells("th", ["host", "table and chain", "rule", "does", "packets", "text"])
    listed = element(
        "table",
        {"class": "rules"},
        [element("thead", None, [head]), element("tbody", None, rows)],
    )
    nothing = element("p", {"class": "muted"}, "No rule was met.")
    return _section("rules", "Rules that matched", listed if rows else nothing)


def _evidence(trace: Trace, data: Data, pcapng: bytes) -> Markup:
    heard = ", ".join(trace.sources)
    saved: list[Child] = [download(data, "Save this trace as JSON"), " (netlab.trace/1)"]
    if pcapng:
        name = f"trace-{trace.lab}.pcapng"
        link = link_to_save(pcapng, "application/x-pcapng", name, "save its frames as pcapng")
        saved += [", or ", link, " for Wireshark"]
    return element(
        "footer",
        None,
        [
            element("p", None, f"What the kernel said, and nothing else: {heard}."),
            element("p", None, "Times include the cost of tracing."),
            element("p", None, saved),
        ],
    )


def _section(name: str, title: str, content: Markup) -> Markup:
    # What scrolls can be reached by the keyboard.
    looks: dict[str, Value] = {
        "class": "scroll",
        "tabindex": 0,
        "role": "region",
        "aria-labelledby": name,
    }
    inside = [element("h2", {"id": name}, title), element("div", looks, [content])]
    return element("section", None, inside)


def _cells(cell: str, cells: Sequence[Child]) -> Markup:
    scope = {"scope": "col"} if cell == "th" else None
    return element("tr", None, [element(cell, scope, [content]) for content in cells])
