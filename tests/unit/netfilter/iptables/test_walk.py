"""kube-proxy's own packet-flow facts, and the law of chances, through the walker."""

import json
from fractions import Fraction
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from netlab.kube.proxy_objects import parse_proxy_objects
from netlab.kubeproxy.view import proxy_view
from netlab.netfilter.iptables.evaluate import answers
from netlab.netfilter.iptables.matches import IpProtocol
from netlab.netfilter.verdicts import Packet, Verdict
from netlab.trace.flows import flow_of, parse_flow
from netlab.trace.predict import Predictor

GOLDEN = Path(__file__).parents[3] / "golden/kubeproxy"
FACTS: dict[str, Any] = json.loads((GOLDEN / "kube-proxy-facts.json").read_text("utf-8"))
FLOWS = [
    pytest.param(case, flow, id=f"{flow['id']} {flow['name']}")
    for case in FACTS["cases"]
    for flow in case["flows"]
]


def predictor(case: dict[str, Any]) -> Predictor:
    text = (GOLDEN / "objects" / f"{case['id']}.yaml").read_bytes()
    return Predictor(proxy_view(parse_proxy_objects([(text, case["id"])]), case["config"]["node"]))


@pytest.mark.parametrize(("case", "flow"), FLOWS)
def test_packet_goes_where_kube_proxy_sends_it(case: dict[str, Any], flow: dict[str, Any]):
    prediction = predictor(case).predict(flow_of(flow))
    assert prediction.verdicts == (Verdict(flow["verdict"]),)
    assert sorted(prediction.endpoints) == sorted(flow["endpoints"])
    assert prediction.is_masqueraded == flow["masquerade"]


@pytest.mark.parametrize(("case", "flow"), FLOWS)
def test_each_endpoint_has_the_same_chance(case: dict[str, Any], flow: dict[str, Any]):
    chances = predictor(case).predict(flow_of(flow)).endpoints
    assert set(chances.values()) <= {Fraction(1, len(chances) or 1)}


def test_the_rules_hit_are_told_in_the_order_of_the_packet():
    case = FACTS["cases"][0]
    flow = next(flow for flow in case["flows"] if flow["endpoints"])
    prediction = predictor(case).predict(flow_of(flow))
    chains = [hit.rule.chain for hit in prediction.outcomes[0].hits]
    assert chains[0] in {"PREROUTING", "OUTPUT"}
    assert any(chain.startswith("KUBE-SEP-") for chain in chains)
    assert chains[-1] in {"POSTROUTING", "KUBE-POSTROUTING"}


def test_a_flow_prints_as_it_is_read():
    text = "pod 10.0.0.2 -> 172.30.0.41:80/tcp"
    assert str(parse_flow(text)) == text


@pytest.mark.parametrize(
    ("spelt", "protocol", "holds"),
    [
        ("tcp", "TCP", True),
        ("17", "UDP", True),
        ("icmp", "ICMP", True),
        ("ipv6-icmp", "ICMPV6", True),
        ("58", "ICMPV6", True),
        ("icmp", "ICMPV6", False),
        ("ipv6-icmp", "TCP", False),
    ],
)
def test_a_protocol_goes_by_all_its_names(spelt: str, protocol: str, *, holds: bool):
    ends = {"source": ip_address("fd00::1"), "destination": ip_address("fd00::2")}
    packet = Packet(**ends, protocol=protocol, destination_port=0)
    assert answers(packet, IpProtocol(spelt), frozenset()) is holds
