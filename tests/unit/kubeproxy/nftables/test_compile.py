"""What kube-proxy lays for a Service in nftables mode, as text, beside laws every text keeps.

``NETLAB_UPDATE_GOLDEN=1 pytest tests/unit/kubeproxy/nftables`` writes the text anew; read the
difference.
"""

import os
import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from netlab.kube.kinds.service.view import ProxyNode
from netlab.kubeproxy.nftables.compile import compile_text
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.nftables.parse import parse
from netlab.netfilter.nftables.render import render
from netlab.netfilter.nftables.table import Table

Lay = Callable[..., Table]

GOLDEN = Path(__file__).parents[3] / "golden/kubeproxy/nftables"

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
LAID: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "no-services": ([], {}),
    "clusterip-and-nodeport": (
        [{"name": "clusterip"}, {"name": "nodeport", "clusterIP": "10.0.0.81", **NODE_PORT}],
        {"service_cidrs": ["10.0.0.0/16", "fd00::/108"]},
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


@pytest.fixture(params=LAID)
def laid(request: pytest.FixtureRequest, lay: Lay) -> tuple[str, Table]:
    specs, options = LAID[request.param]
    return request.param, lay(*specs, **options)


def test_text_is_as_it_was(laid: tuple[str, Table]):
    name, table = laid
    path = GOLDEN / f"{name}.nft"
    text = render(table)
    if os.environ.get("NETLAB_UPDATE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_text_reads_back_as_what_was_meant(laid: tuple[str, Table]):
    assert parse(render(laid[1])) == laid[1]


def test_every_name_that_a_rule_or_an_element_says_is_there(laid: tuple[str, Table]):
    table = laid[1]
    chains = [chain.name for chain in table.chains]
    sets = [named.name for named in table.sets]
    words = [rule.words for chain in table.chains for rule in chain.rules]
    verdicts = [str(one.verdict) for named in table.sets for one in named.elements]
    said = " ".join((*words, *verdicts)).replace(",", " ")
    targets = set(re.findall(r"(?:jump|goto) (\S+)", said))
    entered = {chain.name for chain in table.chains if chain.hook}

    assert len(chains) == len(set(chains))
    assert len(sets) == len(set(sets))
    assert targets <= set(chains)
    assert {name for text in words for name in re.findall(r"@(\S+)", text)} <= set(sets)
    # With no refusal to make and nobody to masquerade, two shared chains wait for work.
    assert set(chains) - targets - entered <= {"reject-chain", "mark-for-masquerade"}


def test_order_of_objects_does_not_show(lay: Lay):
    first, second = {"name": "a"}, {"name": "b", "clusterIP": "10.0.0.81", **NODE_PORT}
    pods = [LOCAL_POD, REMOTE_POD]
    assert render(lay(first, second)) == render(lay(second, first, pods=pods[::-1]))


def test_of_two_services_with_one_address_and_port_the_first_counts(lay: Lay):
    shared = {"externalIPs": ["192.0.2.80"]}
    table = lay({"name": "b", "clusterIP": "10.0.0.81", **shared}, {"name": "a", **shared})
    (entries,) = (named.elements for named in table.sets if named.name == "service-ips")
    (entry,) = (one for one in entries if one.key.startswith("192.0.2.80"))
    assert entry.verdict
    assert "default/a/" in entry.verdict.chain


@pytest.mark.parametrize(
    "name", ['web" ; flush ruleset', "web\nflush ruleset", "web } ; add rule", "web, drop"]
)
def test_a_hostile_name_stays_a_name(lay: Lay, name: str):
    spec = {"name": name, **BALANCED, "sessionAffinity": "ClientIP"}
    table = lay(spec, pods=[REMOTE_POD])
    assert parse(render(table)) == table
    plain = lay({**spec, "name": "web"}, pods=[REMOTE_POD])
    assert render(table).count("\n") == render(plain).count("\n")


def test_a_node_without_an_address_of_the_family_has_a_table_too():
    node = ProxyNode(name="node1", addresses=(ip_address("10.240.0.3"),))
    text = compile_text(node, [], [], ProxyConfiguration(), Family.IPV6)
    assert parse(text).family is Family.IPV6
    assert "add element" not in text
