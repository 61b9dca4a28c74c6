"""The picture of a trace, with its ladder."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from netlab.render.svg_elements import SVG
from netlab.render.trace.layout import WIDTH
from netlab.render.trace.svg import render_trace_svg
from netlab.trace.packet import Result, Verdict
from netlab.trace.trace import Trace
from tests.unit import drawn_samples as samples
from tests.unit import trace_samples

TRACES: dict[str, Callable[[], Trace]] = {
    "nodeport": samples.nodeport,
    "dropped": samples.dropped,
    "retried": samples.retried,
    "hairpin": samples.hairpin,
    "unsent": samples.unsent,
    "balanced": samples.balanced,
    "looped": samples.looped,
    "hostile": samples.hostile,
    "crowded": samples.crowded,
    "no router": trace_samples.delivered,
    "hosts not known": lambda: replace(samples.nodeport(), hosts=()),
}
every_trace = pytest.mark.parametrize("make", TRACES.values(), ids=TRACES.keys())


def drawn(trace: Trace, **more: bool) -> ET.Element:
    return ET.fromstring(render_trace_svg(trace, **more))


def all_of(picture: ET.Element, tag: str) -> list[ET.Element]:
    return list(picture.iter(f"{{{SVG}}}{tag}"))


def words(picture: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in all_of(picture, "text")]


def badges(picture: ET.Element) -> list[tuple[str, float, float]]:
    """Return each number in a circle, with its place."""
    found = []
    for group in all_of(picture, "g"):
        if group.get("class") == "badge":
            circle, text = group
            found.append((text.text or "", float(circle.get("cx", 0)), float(circle.get("cy", 0))))
    return found


def coordinates(picture: ET.Element) -> list[float]:
    found = []
    for element in picture.iter():
        found += [float(element.get(key, 0)) for key in ("x", "x1", "x2", "cx")]
        if element.get("width") and element.get("x"):
            found.append(float(element.get("x", 0)) + float(element.get("width", 0)))
        for point in re.findall(r"([\d.]+)[ ,][\d.]+", element.get("d") or ""):
            found.append(float(point))
    return found


@every_trace
def test_everything_lies_in_the_picture(make: Callable[[], Trace]):
    picture = drawn(make())

    assert min(coordinates(picture)) >= 0
    assert max(coordinates(picture)) <= WIDTH


@every_trace
def test_no_number_hides_another(make: Callable[[], Trace]):
    for (_, x0, y0), (_, x1, y1) in combinations(badges(drawn(make())), 2):
        assert abs(x0 - x1) >= 15 or abs(y0 - y1) >= 15


@every_trace
def test_it_needs_nothing_else(make: Callable[[], Trace]):
    picture = drawn(make())

    names = {element.tag.removeprefix(f"{{{SVG}}}") for element in picture.iter()}
    assert names <= {
        *("svg", "title", "desc", "style", "g", "text", "tspan"),
        *("rect", "circle", "line", "path", "polygon"),
    }
    attributes = {name for element in picture.iter() for name in element.attrib}
    assert not [name for name in attributes if "href" in name or name in {"src", "style"}]
    [style] = all_of(picture, "style")
    assert not re.search(r"url\(|@import|@font-face", style.text or "")


def test_every_host_that_the_packets_visit_has_its_number_in_picture_and_ladder():
    numbers = [number for number, _, _ in badges(drawn(samples.nodeport()))]

    for number in map(str, range(1, 13)):
        assert numbers.count(number) >= 2, number


def test_rewrites_are_said_where_they_happen():
    said = words(drawn(samples.nodeport()))

    assert "DNAT node2:30080 ⇒ source-ip-app…7rv95:8080" in said
    assert "SNAT client:40000 ⇒ node2:7777" in said
    assert "un-DNAT source-ip-app…7rv95:8080 ⇒ node2:30080" in said


def test_addresses_stand_on_the_wires_and_what_was_rewritten_is_coloured():
    picture = drawn(samples.nodeport())
    labels = {
        "".join(text.itertext()): [span.text for span in text if span.get("class")]
        for text in all_of(picture, "text")
    }

    assert labels["client:40000 → node2:30080"] == []
    assert labels["node2:7777 → source-ip-app…7rv95:8080"] == []
    rewritten = [
        [span.text for span in text.iter(f"{{{SVG}}}tspan")] for text in all_of(picture, "text")
    ]
    assert ["node2:7777", "source-ip-app…7rv95:8080"] in rewritten


def test_a_reply_is_dashed_and_a_request_is_not():
    dashes = {
        (path.get("class"), path.get("stroke-dasharray"))
        for path in all_of(drawn(samples.nodeport()), "path")
    }

    assert ("stroke-request", None) in dashes
    assert ("stroke-reply", "6 4") in dashes
    assert ("stroke-reply", None) not in dashes


def test_a_drop_is_a_cross_with_its_rule():
    picture = drawn(samples.dropped())

    crosses = [g for g in all_of(picture, "g") if g.get("class") == "cross"]
    assert len(crosses) == 2
    assert words(picture).count("✖ dropped by filter KUBE-EXTERNAL-SERVICES #1") == 2
    assert "✖ DROPPED" in words(picture)


def test_an_earlier_attempt_is_drawn_pale_and_says_which_it_was():
    picture = drawn(samples.retried())

    assert "Request SYN, attempt 1 of 2" in words(picture)
    assert "Request SYN, attempt 2 of 2, 1.00 s later" in words(picture)
    assert any(path.get("class") == "stroke-muted" for path in all_of(picture, "path"))


def test_numbers_take_the_place_of_names():
    said = words(drawn(samples.nodeport(), numeric=True))

    assert "DNAT 10.240.0.4:30080 ⇒ 10.244.1.2:8080" in said


def test_of_many_hosts_a_few_are_drawn_and_the_rest_is_counted():
    said = words(drawn(samples.crowded()))

    assert "and 45 more nodes" in said
    assert "and 27 more pods" in said
    assert "node50" not in said


def test_a_load_balancer_is_drawn_where_packets_pass_it():
    assert "lb" in words(drawn(samples.balanced()))
    idle = samples.nodeport(hosts=samples.balanced().hosts)
    assert "lb" not in words(drawn(idle))


def test_a_screen_reader_gets_the_path_in_words():
    picture = drawn(samples.nodeport())

    desc = "".join(picture.find(f"{{{SVG}}}desc").itertext())
    assert "The request SYN visits client, router, node2 (DNAT node2:30080 to" in desc
    assert "The reply SYN-ACK visits" in desc


def test_what_nobody_sent_is_said_all_the_same():
    said = words(drawn(samples.unsent()))

    assert "✖ NEVER SENT" in said
    assert any("client sent nothing: no route" in line for line in said)


def test_a_hostile_text_stays_text():
    text = render_trace_svg(samples.hostile())

    assert "<img" not in text
    assert all(line.isprintable() for line in text.splitlines())


def test_lost_messages_are_told():
    said = words(drawn(samples.nodeport(is_complete=False)))

    assert any(line.startswith("INCOMPLETE") for line in said)


def test_a_verdict_by_something_else_than_a_rule_is_said_in_its_words():
    verdict = Verdict(
        result=Result.DROPPED, host="node2", words="dropped on node2: NO_SOCKET", why="nobody"
    )
    one = samples.packet(1, samples.Way.REQUEST, samples.THERE[:3], verdict=verdict)

    said = words(drawn(samples.trace(one, verdict=verdict)))

    assert "✖ dropped on node2: NO_SOCKET" in said
