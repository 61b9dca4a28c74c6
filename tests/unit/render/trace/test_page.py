"""A trace as a page."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from netlab.render.page import PageFiles
from netlab.render.trace.document import trace_document
from netlab.render.trace.page import render_trace_page
from netlab.trace.packet import Reason
from netlab.trace.trace import Trace
from tests.unit import drawn_samples as samples

FILES = PageFiles(css="p > b { color: red }", script="if (1 < 2 && true) {}")

every_trace = pytest.mark.parametrize(
    "make",
    [
        samples.nodeport,
        samples.dropped,
        samples.retried,
        samples.hairpin,
        samples.unsent,
        samples.looped,
        samples.hostile,
        samples.crowded,
    ],
)


class Reader(HTMLParser):
    """Reads a page as a browser would: elements, their attributes, text, scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.unclosed: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "link"}:
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.unclosed[-1] if self.unclosed else ""
        if inside in self.raw:
            self.raw[inside].append(data)
        else:
            self.words += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


def page(trace: Trace, **more: bool) -> Reader:
    return Reader(render_trace_page(trace, FILES, **more))


@every_trace
def test_a_page_is_well_formed_and_its_names_are_unique(make: Callable[[], Trace]):
    found = page(make())

    assert found.unclosed == []
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in found.elements:
        for name in (attributes.get("aria-labelledby") or "").split():
            assert name in ids


@every_trace
def test_nothing_is_fetched_and_nothing_runs_but_the_script(make: Callable[[], Trace]):
    found = page(make())

    names = {name for tag, attributes in found.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in {"style", "src"}]
    targets = {attributes.get("href") for _, attributes in found.elements} - {None}
    assert all(target.startswith(("#", "data:")) for target in targets)
    assert [attributes.get("type") for attributes in found.all("script")] == [
        "application/json",
        None,
    ]


def test_its_policy_names_its_own_style_and_script_and_nothing_else():
    found = page(samples.nodeport())

    [policy] = [
        attributes["content"]
        for attributes in found.all("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    for directive, content in (
        ("style-src", found.raw["style"][0]),
        ("script-src", found.raw["script"][-1]),
    ):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


@every_trace
def test_it_carries_the_trace_twice_for_programs_and_for_saving(make: Callable[[], Trace]):
    trace = make()
    found = page(trace)

    wanted = json.loads(json.dumps(trace_document(trace)))
    assert json.loads(found.raw["script"][0]) == wanted
    [link] = [one for one in found.all("a") if "download" in one]
    encoded = (link["href"] or "").removeprefix("data:application/json;base64,")
    assert json.loads(base64.b64decode(encoded)) == wanted


def test_it_carries_the_frames_for_wireshark():
    found = Reader(render_trace_page(samples.nodeport(), FILES, pcapng=b"frames"))

    [link] = [one for one in found.all("a") if (one.get("download") or "").endswith(".pcapng")]
    assert link["href"] == "data:application/x-pcapng;base64,ZnJhbWVz"


def test_a_card_for_each_stay_holds_walk_nat_route_and_entry():
    found = page(samples.nodeport())

    cards = [one for one in found.all("li") if "data-card" in one]
    assert [one["id"] for one in cards] == [f"stay-{i}" for i in range(1, 13)]
    for words in (
        "nat PREROUTING",
        "jump KUBE-SERVICES",
        "-A KUBE-SERVICES -j DNAT --to-destination 10.244.1.2:8080",
        "10.244.1.0/24 via 10.240.0.3 dev eth0",
        "0x4d tcp, ESTABLISHED",
        "by nat KUBE-SERVICES #2",
        "mark 0x4000",
    ):
        assert words in found.words, words


def test_the_header_has_the_verdict_the_lesson_and_what_to_try():
    found = page(samples.dropped())

    assert "✖ dropped" in found.words
    assert "Dropped on node2 by filter KUBE-EXTERNAL-SERVICES #1: external" in found.words
    assert "sudo netlab trace client http://node1:30080" in found.words
    assert samples.DROP.text in found.words


def test_a_card_says_what_the_kernel_called_the_drop():
    trace = samples.dropped()
    reason = Reason(
        code="NETFILTER_DROP", host="node2", function="nft_do_chain", cause="NETFILTER_DROP"
    )
    packets = [replace(p, verdict=replace(p.verdict, reason=reason)) for p in trace.packets]

    found = page(replace(trace, packets=tuple(packets)))

    assert "kernel NETFILTER_DROP in nft_do_chain() on node2 [both sources agree]" in found.words


def test_every_packet_has_a_row_with_its_attempt():
    text = render_trace_page(samples.retried(), FILES)
    table = text[text.index('<table class="packets">') :]
    rows = re.findall(r"<tr><td>(\d+)</td><td>(\d+)</td>", table[: table.index("</table>")])

    assert rows == [("1", "1"), ("2", "2"), ("3", "2")]


def test_a_rule_that_several_packets_met_is_listed_once():
    marked = replace(samples.CHOICE, mark=0)
    places = (*samples.THERE[:2], ("node2", samples.ASKED, samples.SENT_ON, (marked,)))
    again = samples.packet(3, samples.Way.REQUEST, places)
    trace = samples.nodeport()
    text = render_trace_page(replace(trace, packets=(*trace.packets, again)), FILES)
    table = text[text.index('<table class="rules">') :]

    rows = re.findall(r"<td>(\d+)</td><td><code[^>]*>(-A [^<]+)", table)
    assert rows == [("1", samples.JUMP.text), ("2", samples.CHOICE.text)]


@pytest.mark.parametrize("numeric", [False, True])
def test_addresses_can_take_the_place_of_names(numeric: bool):
    found = page(samples.nodeport(), numeric=numeric)

    assert ("node2:30080 ⇒" in found.words) is not numeric
    assert ("10.240.0.4:30080 ⇒" in found.words) is numeric


def test_a_hostile_text_stays_text():
    text = render_trace_page(samples.hostile(), FILES)
    found = Reader(text)

    assert found.all("img") == []
    assert len(found.all("style")) == 1
    assert "\\x1b[31m\\u202eevil" in found.words
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u200e\u200f\u202a-\u202e]", text)


def test_lost_messages_and_warnings_are_told():
    found = page(samples.nodeport(is_complete=False, warnings=("3 frames found no room",)))

    assert "Incomplete: the kernel lost" in found.words
    assert "3 frames found no room" in found.words


def test_a_trace_without_a_packet_is_a_page_all_the_same():
    found = page(samples.unsent())

    assert "No packet of this connection was seen." in found.words
    assert found.all("svg") == []
