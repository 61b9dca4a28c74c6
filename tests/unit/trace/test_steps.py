"""Walks through kube-proxy's nftables table: what a map says of the packet stands for the rule."""

from dataclasses import replace

import pytest

from netlab.sources.rule_trace_messages import TraceMessage
from netlab.trace.connection_verdict import connection_verdict
from netlab.trace.join import join
from netlab.trace.packet import Result, RuleHit
from netlab.trace.rules_by_handle import KnownRule, MapEntry
from netlab.trace.steps import Knowledge
from tests.unit.trace_samples import HALFWAY, SOCKET, SYN, evidence, hit, point, question, there

TABLE = "kube-proxy"
NODE_PORT = "tcp . 30080"


def looks_up(map_name: str, text: str) -> KnownRule:
    entry = MapEntry(text=f"{NODE_PORT} {text}", service="default/web:http")
    words = f"meta l4proto . th dport vmap @{map_name}"
    return KnownRule(index=1, text=words, entries={NODE_PORT: entry})


BOOK = {
    (TABLE, "services", 51): looks_up("service-nodeports", ": goto external-X"),
    (TABLE, "nodeport-endpoints-check", 54): looks_up("no-endpoint-nodeports", ": drop"),
    (TABLE, "service-endpoints-check", 53): looks_up("no-endpoint-services", ": goto reject-chain"),
    (TABLE, "reject-chain", 56): KnownRule(index=1, text="reject", target="REJECT"),
    (TABLE, "firewall-X", 61): KnownRule(
        index=1, text="ip saddr != 10.0.0.0/8 drop", target="DROP", service="default/web:http"
    ),
    (TABLE, "cluster-ips-check", 55): KnownRule(
        index=1, text="ip daddr @cluster-ips reject", target="REJECT"
    ),
}


def end_of(*messages: TraceMessage):
    """Return the rules a SYN met on node2 and its connection's verdict, by messages after DNAT."""
    begun = [
        point("node2", "pre_wire", SYN, SOCKET, ifname_in="eth0"),
        point("node2", "pre_dnat", SYN, SOCKET, ifname_in="eth0"),
    ]
    found = evidence(there(SYN)[:2], [*begun, *messages])
    knowledge = Knowledge(books={"node2": BOOK}, entries=(), ask=found.knowledge.ask)
    packets = join(replace(found, knowledge=knowledge), SOCKET)
    hits = [step for _, step in packets[0].steps() if isinstance(step, RuleHit)]
    return hits, connection_verdict(packets, question())


def met(chain: str, handle: int, verdict: str, target: str = "") -> TraceMessage:
    return hit("node2", chain, handle, verdict, table=TABLE, target=target)


def test_a_drop_by_a_map_names_the_service_and_shows_the_entry():
    [dropped], verdict = end_of(met("nodeport-endpoints-check", 54, "DROP"))
    assert dropped.service == "default/web:http"
    assert dropped.text.endswith("vmap @no-endpoint-nodeports { tcp . 30080 : drop }")
    assert verdict.result is Result.DROPPED
    assert "node2 has none of default/web:http; its pods run on node1" in verdict.why


def test_a_refusal_is_of_the_service_whose_entry_led_to_it():
    hits, verdict = end_of(
        met("service-endpoints-check", 53, "GOTO", "reject-chain"),
        met("reject-chain", 56, "DROP"),
    )
    assert [one.service for one in hits] == ["default/web:http"] * 2
    assert verdict.result is Result.REJECTED
    assert verdict.why == "Service default/web:http has no endpoint that is ready"


@pytest.mark.parametrize(
    ("message", "why"),
    [
        pytest.param(
            met("firewall-X", 61, "DROP"),
            "loadBalancerSourceRanges of Service default/web:http do not hold the packet's source,"
            " 198.51.100.79",
            id="a source that is not let in",
        ),
        pytest.param(
            met("cluster-ips-check", 55, "DROP"),
            "no Service has 10.240.0.4",
            id="a port that is not there",
        ),
    ],
)
def test_other_ends_say_why(message: TraceMessage, why: str):
    assert end_of(message)[1].why == why


def test_what_a_packet_is_rewritten_to_is_not_looked_up():
    """After DNAT a map is asked for the new destination, of which it says nothing."""
    begun = point("node2", "pre_dnat", SYN, HALFWAY, ifname_in="eth0")
    hits, _ = end_of(begun, met("nodeport-endpoints-check", 54, "DROP"))
    assert hits[0].service == ""
