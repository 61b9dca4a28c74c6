"""Entries as a table, as lines and as JSON."""

import json
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

from jsonschema import Draft202012Validator

import netlab.render
from netlab.model.packets import AddressPair, AddrPort
from netlab.render.conntrack import (
    Words,
    change_document,
    connections_document,
    render_change,
    render_connections,
    render_connections_wide,
)
from netlab.sources.conntrack_entries import Change, Changed, Tracked

SCHEMA = json.loads((Path(netlab.render.__file__).parent / "conntrack.schema.json").read_text())


def end(address: str, port: int) -> AddrPort:
    return AddrPort(ip_address(address), port)


CLIENT, NODE2 = "198.51.100.79", "10.240.0.4"

NAT = Tracked(
    identity=7,
    protocol="tcp",
    original=AddressPair(end(CLIENT, 40000), end(NODE2, 31704)),
    reply=AddressPair(end("10.244.1.2", 8080), end(NODE2, 51464)),
    state="TIME_WAIT",
    timeout_s=119,
    mark=0x10,
    flags=("ASSURED",),
)
PING = Tracked(
    identity=8,
    protocol="icmp",
    original=AddressPair(end(NODE2, 0), end("10.240.0.3", 0)),
    reply=AddressPair(end("10.240.0.3", 0), end(NODE2, 0)),
    icmp=(8, 0, 42),
    timeout_s=29,
    flags=("UNREPLIED",),
)
WORDS = Words(
    names={
        ip_address(CLIENT): "client",
        ip_address(NODE2): "node2",
        ip_address("10.244.1.2"): "web-1",
    },
    service_addresses={("tcp", end(NODE2, 31704)): "default/nodeport"},
)

TABLE = """\
PROTO  STATE      TIMEOUT  FLAGS      CONNECTION
tcp    TIME_WAIT  119s     ASSURED    client:40000 → node2:31704
    Service default/nodeport
    DNAT node2:31704 ⇒ web-1:8080
    SNAT client:40000 ⇒ node2:51464
    replies web-1:8080 → node2:51464
    mark 0x10
icmp   -          29s      UNREPLIED  node2 → 10.240.0.3 type 8 code 0 id 42"""

NUMERIC = """\
PROTO  STATE      TIMEOUT  FLAGS    CONNECTION
tcp    TIME_WAIT  119s     ASSURED
    198.51.100.79:40000 → 10.240.0.4:31704
    DNAT 10.240.0.4:31704 ⇒ 10.244.1.2:8080
    SNAT 198.51.100.79:40000 ⇒ 10.240.0.4:51464
    replies 10.244.1.2:8080 → 10.240.0.4:51464
    mark 0x10"""


def test_an_entry_that_rewrites_says_how_below_itself():
    assert render_connections([NAT, PING], WORDS, 80) == TABLE


def test_without_names_there_are_addresses_and_what_finds_no_room_stands_below():
    assert render_connections([NAT], Words(), 60) == NUMERIC


def test_wide_has_a_line_for_each_entry_with_both_tuples():
    _, first, second = render_connections_wide([NAT, PING], WORDS).splitlines()

    assert "client:40000 → node2:31704 " in first
    assert "  web-1:8080 → node2:51464   DNAT node2:31704" in first
    assert first.endswith("⇒ web-1:8080, SNAT client:40000 ⇒ node2:51464")
    assert "10.240.0.3 → node2" in second


def test_an_event_is_one_line_with_its_time():
    changed = Changed(time_ns=1_700_000_000_123_456_000, change=Change.NEW, entry=NAT)

    assert render_change(changed, WORDS) == (
        "22:13:20.123456 NEW     tcp  TIME_WAIT   client:40000 → node2:31704 (default/nodeport)"
        " [ASSURED]  DNAT node2:31704 ⇒ web-1:8080  SNAT client:40000 ⇒ node2:51464"
    )
    later = render_change(replace(changed, change=Change.DESTROY), WORDS)
    assert later.endswith(
        "DESTROY tcp  TIME_WAIT   client:40000 → node2:31704 (default/nodeport) [ASSURED]"
    )


def test_json_is_what_its_schema_says():
    listed = connections_document("blue", "node2", [NAT, PING], WORDS)
    gone = replace(PING, timeout_s=None)
    changed = Changed(time_ns=1, change=Change.DESTROY, entry=gone)
    event = change_document("blue", "node2", changed, WORDS)

    Draft202012Validator.check_schema(SCHEMA)
    validator = Draft202012Validator(SCHEMA)
    assert [list(validator.iter_errors(one)) for one in (listed, event)] == [[], []]
    first, second = listed["entries"]
    assert first["rewrites"][0] == {
        "kind": "DNAT",
        "before": {"address": NODE2, "port": 31704, "name": "node2"},
        "after": {"address": "10.244.1.2", "port": 8080, "name": "web-1"},
    }
    assert (first["service"], second["service"]) == ("default/nodeport", None)
    assert second["icmp"] == {"type": 8, "code": 0, "id": 42}
    assert event["change"] == "destroy"


def test_ipv6_ends_are_written_as_in_a_url():
    pair = AddressPair(end("fd00::1", 1), end("fd00::2", 2))
    six = replace(NAT, original=pair, reply=pair.reversed(), mark=0)

    assert (
        render_connections([six], Words(), 80).splitlines()[1].endswith("[fd00::1]:1 → [fd00::2]:2")
    )
