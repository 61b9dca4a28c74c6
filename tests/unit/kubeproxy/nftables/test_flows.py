"""kube-proxy's own packet-flow facts, which are those of iptables mode, through nftables mode."""

from fractions import Fraction
from ipaddress import ip_address
from typing import Any

from netlab.model.packets import Protocol
from netlab.netfilter.nftables.table import Table
from netlab.netfilter.nftables.walk import Walker
from netlab.netfilter.verdicts import Packet
from tests.unit.kubeproxy.nftables.mode_differences import DIFFERENCES


def test_packet_goes_where_kube_proxy_sends_it(
    table: Table, case: dict[str, Any], flow: dict[str, Any]
):
    local = {ip_address(ip) for ip in case["config"]["localIPs"]}
    source = ip_address(flow["sourceIP"])
    packet = Packet(
        source=source,
        destination=ip_address(flow["destIP"]),
        protocol=Protocol(flow["protocol"]),
        destination_port=flow["destPort"],
        is_made_here=source in local,
    )
    want = flow["verdict"], sorted(flow["endpoints"]), {flow["masquerade"]}
    if flow["id"] in DIFFERENCES:
        want = DIFFERENCES[flow["id"]][1], [], {False}

    outcomes = Walker(table, local).walk(packet)

    (verdict,) = {one.verdict for one in outcomes}
    endpoints = sorted(one.endpoint for one in outcomes if one.endpoint)
    assert (verdict, endpoints, {one.is_masqueraded for one in outcomes}) == want
    assert {one.chance for one in outcomes} == {Fraction(1, len(outcomes))}
