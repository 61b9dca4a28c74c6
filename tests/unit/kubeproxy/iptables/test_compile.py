"""What kube-proxy lays for a Service, as text, beside laws that every such text keeps.

``NETLAB_UPDATE_GOLDEN=1 pytest tests/unit/kubeproxy`` writes the text anew; read the difference.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netlab.model.addresses import Family
from netlab.netfilter.iptables.canonical import normalise
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import CHAIN_NAME_BYTES, Ruleset
from netlab.netfilter.iptables.targets import Jump

Lay = Callable[..., Ruleset]

GOLDEN = Path(__file__).parents[3] / "golden/kubeproxy"

LOCAL_POD, REMOTE_POD = ("10.244.1.2", "node1"), ("10.244.2.2", "node2")
NODE_PORT = {"type": "NodePort", "ports": [{"port": 80, "targetPort": 8080, "nodePort": 31704}]}
NODE_PORT_LOCAL = {**NODE_PORT, "externalTrafficPolicy": "Local"}
BALANCED = {
    **NODE_PORT_LOCAL,
    "type": "LoadBalancer",
    "healthCheckNodePort": 32000,
    "loadBalancerSourceRanges": ["198.51.100.0/24", "10.240.0.0/24"],
    "ingress": [{"ip": "203.0.113.10"}],
}

CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "no-services": ([], {}),
    "clusterip-and-nodeport": (
        [{"name": "clusterip"}, {"name": "nodeport", "clusterIP": "10.0.0.81", **NODE_PORT}],
        {},
    ),
    "nodeport-local": ([NODE_PORT_LOCAL], {}),
    "nodeport-local-without-a-local-endpoint": ([NODE_PORT_LOCAL], {"pods": [REMOTE_POD]}),
    "internal-local": ([{"internalTrafficPolicy": "Local"}], {}),
    "affinity": ([{"sessionAffinity": "ClientIP"}], {}),
    "no-endpoints": ([{"externalIPs": ["192.0.2.80"], **NODE_PORT}], {"pods": []}),
    "loadbalancer-with-source-ranges": ([BALANCED], {}),
    "ipv6-nodeport": (
        [{"clusterIP": "fd00::80", **NODE_PORT}],
        {"pods": [("fd00:244:1::2", "node1")], "family": Family.IPV6},
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, lay: Lay) -> tuple[str, Ruleset]:
    specs, options = CASES[request.param]
    return request.param, lay(*specs, **options)


def test_text_is_as_it_was(case: tuple[str, Ruleset]):
    name, ruleset = case
    path = GOLDEN / f"{name}.iptables"
    text = render(ruleset)
    if os.environ.get("NETLAB_UPDATE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_every_jump_has_a_chain_and_every_chain_a_way_in(case: tuple[str, Ruleset]):
    for table in case[1].tables:
        names = [chain.name for chain in table.chains]
        targets = {
            rule.target.chain
            for chain in table.chains
            for rule in chain.rules
            if isinstance(rule.target, Jump)
        }
        hooks = {chain.name for chain in table.chains if chain.policy is not None}
        assert len(names) == len(set(names))
        assert targets <= set(names)
        # Nobody asks for masquerading while there is no Service; the canary is never entered.
        assert set(names) - targets - hooks <= {"KUBE-PROXY-CANARY", "KUBE-MARK-MASQ"}
        assert all(len(name.encode()) <= CHAIN_NAME_BYTES for name in names)
        assert all(rule.chain == chain.name for chain in table.chains for rule in chain.rules)


def test_text_reads_back_as_what_was_meant(case: tuple[str, Ruleset]):
    ruleset = case[1]
    assert parse(render(ruleset), ruleset.family) == normalise(ruleset)


@pytest.mark.parametrize(
    ("count", "has_comments"), [(1000, True), (1001, False)], ids=["1000", "1001"]
)
def test_large_clusters_go_without_comments_on_endpoints(lay: Lay, count: int, has_comments: bool):
    pods = [(f"10.244.{n // 250}.{n % 250}", "node2") for n in range(count)]
    ruleset = lay({}, pods=pods)
    nat = ruleset.table("nat")
    assert nat is not None
    comments = {
        bool(rule.comment)
        for chain in nat.chains
        for rule in chain.rules
        if chain.name.startswith("KUBE-SEP-") or "KUBE-SEP-" in str(rule.target)
    }
    assert comments == {has_comments}
    assert "cluster IP" in render(ruleset)
