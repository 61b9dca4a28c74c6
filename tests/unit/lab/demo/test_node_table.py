"""Whether kube-proxy's nftables table of a node follows a Service yet."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.client.cluster import Backend, ServicePort
from netlab.kube.kinds.service.view import (
    SERVICE_NAME_LABEL,
    ProxyNode,
    endpoint_slice_of,
    service_of,
)
from netlab.kubeproxy.configuration import ProxyConfiguration
from netlab.kubeproxy.nftables.compile import compile_table
from netlab.lab.demo.node_rules import DropRule, RulesRead, dropped, follow
from netlab.lab.demo.node_table import drop_entry, follows
from netlab.model.addresses import Family
from netlab.netfilter.nftables.table import Table

PORT = ServicePort(
    namespace="default",
    name="web",
    port_name="",
    cluster_ip=ip_address("10.0.0.80"),
    port=80,
    node_port=30080,
    policy="Cluster",
    backends=(Backend(address=ip_address("10.244.1.2"), port=8080, node="node1"),),
)


def table(node: str = "node1", policy: str = "Cluster", pod: str = "10.244.1.2") -> Table:
    spec = {
        "type": "NodePort",
        "clusterIP": "10.0.0.80",
        "externalTrafficPolicy": policy,
        "ports": [{"port": 80, "nodePort": 30080}],
    }
    piece = {
        "metadata": {"name": "web-1", "labels": {SERVICE_NAME_LABEL: "web"}},
        "ports": [{"port": 8080}],
        "endpoints": [{"addresses": [pod], "nodeName": "node1"}],
    }
    return compile_table(
        ProxyNode(name=node, addresses=(ip_address("10.240.0.3"),)),
        [service_of({"metadata": {"name": "web"}, "spec": spec})],
        [endpoint_slice_of(piece)],
        ProxyConfiguration(),
        Family.IPV4,
    )


@pytest.mark.parametrize(
    ("laid", "node", "policy", "expected"),
    [
        pytest.param(table(), "node1", "Cluster", True, id="Cluster is laid"),
        pytest.param(table(), "node1", "Local", False, id="still Cluster's rules"),
        pytest.param(table(policy="Local"), "node1", "Local", True, id="Local beside the pod"),
        pytest.param(table(policy="Local"), "node1", "Cluster", False, id="still Local's rules"),
        pytest.param(table("node2", "Local"), "node2", "Local", True, id="Local drops elsewhere"),
        pytest.param(table("node2", "Local"), "node1", "Local", False, id="a drop beside the pod"),
        pytest.param(table(pod="10.244.1.9"), "node1", "Cluster", False, id="another pod"),
        pytest.param(Table(family=Family.IPV4), "node1", "Cluster", False, id="nothing yet"),
    ],
)
def test_the_table_follows_a_service_or_not_yet(
    laid: Table, node: str, policy: str, expected: bool
):
    assert follows(laid, node, replace(PORT, policy=policy)) is expected
    assert (
        follow(RulesRead(iptables="", table=laid), node, replace(PORT, policy=policy)) is expected
    )


def test_what_drops_is_an_entry_that_counts_nothing():
    laid = table("node2", "Local")
    entry = 'tcp . 30080 comment "default/web" : drop'
    assert drop_entry(laid, PORT) == entry
    command = "nft list map ip kube-proxy no-endpoint-nodeports"
    found = dropped(RulesRead(iptables="", table=laid), PORT)
    assert found == DropRule(text=entry, packets=None, command=command)
    assert dropped(RulesRead(iptables="", table=table()), PORT) is None
