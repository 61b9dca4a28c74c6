"""Paths as text, compared letter by letter at two widths."""

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path as Directory

import pytest

from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.render.path import Style, render_connection
from netlab.trace.paths import Attempt, Connection, Fate, Flow, Hop, Path, Way

CLIENT, CALLED, NODE, POD = (
    AddrPort(ip_address(address), port)
    for address, port in (
        ("198.51.100.79", 40614),
        ("10.240.0.4", 31704),
        ("10.240.0.4", 9222),
        ("10.244.1.2", 8080),
    )
)
OUTSIDE, INSIDE = AddressPair(CLIENT, CALLED), AddressPair(NODE, POD)
NAMES = {
    CLIENT.address: "client",
    CALLED.address: "node2",
    POD.address: "source-ip-app-5d8b4f7d9c-x2x7p",
}

PLACES = (
    ("client", "eth0", "out", OUTSIDE),
    ("router", "p-client", "in", OUTSIDE),
    ("router", "internet0", "in", OUTSIDE),
    ("router", "cloud0", "out", OUTSIDE),
    ("router", "p-node2", "out", OUTSIDE),
    ("node2", "eth0", "in", OUTSIDE),
    ("node2", "eth0", "out", INSIDE),
    ("router", "p-node2", "in", INSIDE),
    ("router", "p-node1", "out", INSIDE),
    ("node1", "eth0", "in", INSIDE),
    ("node1", "veth5d8b4f7d9c0", "out", INSIDE),
    ("source-ip-app-5d8b4f7d9c-x2x7p", "eth0", "in", INSIDE),
)
BACK = tuple(
    (host, ifname, "in" if direction == "out" else "out", pair.reversed())
    for host, ifname, direction, pair in reversed(PLACES)
)

GOLDEN = Directory(__file__).parents[2] / "golden/path"

Place = tuple[str, str, str, AddressPair]


def path(way: Way, flags: str, *places: Place, end: AddressPair | None = None) -> Path:
    hops = tuple(
        Hop(
            time_ns=index * 12_300,
            host=host,
            ifname=ifname,
            direction=Direction(direction),
            pair=pair,
        )
        for index, (host, ifname, direction, pair) in enumerate(places)
    )
    return Path(
        way=way, flags=flags, hops=hops, sent_as=hops[0].pair, taken_as=end or hops[-1].pair
    )


def connection(*attempts: Attempt) -> Connection:
    paths = tuple(p for a in attempts for p in (a.request, a.reply) if p is not None)
    flow = Flow(host="client", pair=OUTSIDE)
    return Connection(flow=flow, attempts=attempts, paths=paths)


ANSWERED = connection(
    Attempt(
        request=path(Way.REQUEST, "S", *PLACES),
        reply=path(Way.REPLY, "SA", *BACK),
        fate=Fate.ANSWERED,
    )
)
LOST = Attempt(request=path(Way.REQUEST, "S", *PLACES[:6]), reply=None, fate=Fate.REQUEST_LOST)
RULE = (
    '-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "default/nodeport has no local '
    'endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 31704 -j DROP'
)
EVIDENCE = (f"node2 iptables-save -c: packets 0 -> 2 at {RULE}",)


def read(golden: str) -> str:
    return (GOLDEN / f"{golden}.txt").read_text()


@pytest.mark.parametrize(
    ("width", "golden"),
    [
        pytest.param(80, "answered-80", id="80 columns: addresses, and a legend"),
        pytest.param(200, "answered-200", id="200 columns: names beside the addresses"),
    ],
)
def test_an_answered_request(width: int, golden: str):
    assert render_connection(ANSWERED, Style(width=width, names=NAMES)) == read(golden)


def test_a_dropped_request_shows_where_and_the_evidence():
    style = Style(width=80, names=NAMES)
    text = render_connection(connection(LOST, LOST), style, evidence=EVIDENCE)
    assert text == read("dropped-80")


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
def test_no_line_is_wider_than_the_terminal(width: int):
    style = Style(width=width, names=NAMES)
    for one in (ANSWERED, connection(LOST)):
        lines = render_connection(one, style, evidence=EVIDENCE).splitlines()
        assert max(map(len, lines)) <= width


def test_a_caller_that_rewrites_its_own_packets_shows_what_its_socket_says():
    service = AddrPort(ip_address("10.0.0.9"), 80)
    sent = AddressPair(CLIENT, service)
    request = Path(
        way=Way.REQUEST,
        flags="S",
        hops=path(Way.REQUEST, "S", *PLACES[6:]).hops,
        sent_as=sent,
        taken_as=INSIDE,
    )
    reply = path(Way.REPLY, "SA", *BACK[:6], end=sent.reversed())
    joined = connection(Attempt(request=request, reply=reply, fate=Fate.ANSWERED))
    lines = render_connection(joined, Style(width=80, names={})).splitlines()
    sockets = [line.split() for line in lines if "socket" in line]
    assert sockets == [
        ["1", "node2", "socket", str(CLIENT), str(service)],
        ["socket", str(service), str(CLIENT)],
    ]
    assert f"      DNAT {service} => {POD}" in lines
    assert f"      un-DNAT {POD} => {service}" in lines


def test_colour_is_an_addition_only_and_only_when_asked_for():
    plain = render_connection(connection(LOST), Style(width=80, names={}))
    assert "\x1b" not in plain
    colour = render_connection(connection(LOST), Style(width=80, names={}, colour=True))
    assert "\x1b[31m" in colour


@pytest.mark.parametrize(
    ("fate", "words"),
    [
        pytest.param(Fate.REFUSED, "the answer is a refusal (RST)", id="refused"),
        pytest.param(Fate.REPLY_STRANGE, "an address\nthat the caller had not", id="a stranger"),
    ],
)
def test_the_last_sentence_says_how_it_ended(fate: Fate, words: str):
    reply = path(Way.REPLY, "RA", *BACK[:-2])
    joined = connection(Attempt(request=LOST.request, reply=reply, fate=fate))
    text = render_connection(joined, Style(width=80, names={}))
    assert " ".join(words.split()) in " ".join(text.split())


def test_a_frame_for_another_host_says_why_nobody_took_it():
    last = replace(LOST.request.last(), for_another=True)
    request = replace(LOST.request, hops=(*LOST.request.hops[:-1], last))
    text = render_connection(connection(replace(LOST, request=request)), Style(width=80, names={}))
    assert "the frame was addressed to the MAC address of another host" in text


def test_an_unseen_connection_is_said_to_be_unseen():
    text = render_connection(connection(), Style(width=80, names={}))
    assert text == "No packet of this connection was seen on any interface.\n"
