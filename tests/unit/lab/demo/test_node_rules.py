"""Reading a node's rules as iptables-save prints them."""

from ipaddress import ip_address

import pytest

from netlab.client.cluster import Backend, ServicePort
from netlab.lab.demo.node_rules import DropRule, RulesRead, dropped, follow

NAT = """\
*nat
[1:60] -A KUBE-SERVICES -d 10.0.55.247/32 -p tcp -m comment --comment "default/nodeport cluster \
IP" -m tcp --dport 80 -j KUBE-SVC-X
[2:120] -A KUBE-NODEPORTS -p tcp -m comment --comment "default/nodeport" -m tcp --dport 31704 -j \
KUBE-EXT-X
[2:120] -A KUBE-SEP-X -p tcp -m comment --comment "default/nodeport" -m tcp -j DNAT \
--to-destination 10.244.1.2:8080
"""
MASQUERADE = (
    '[2:120] -A KUBE-EXT-X -m comment --comment "masquerade traffic for default/nodeport external '
    'destinations" -j KUBE-MARK-MASQ\n'
)
DROP_RULE = (
    '-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "default/nodeport has no local '
    'endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 31704 -j DROP'
)
DROP = f"*filter\n[5:300] {DROP_RULE}\nCOMMIT\n"


def service(policy: str = "Cluster", node_port: int | None = 31704) -> ServicePort:
    return ServicePort(
        namespace="default",
        name="nodeport",
        port_name="",
        cluster_ip=ip_address("10.0.55.247"),
        port=80,
        node_port=node_port,
        policy=policy,
        backends=(Backend(address=ip_address("10.244.1.2"), port=8080, node="node1"),),
    )


@pytest.mark.parametrize(
    ("rules", "node", "policy", "expected"),
    [
        pytest.param(NAT + MASQUERADE, "node2", "Cluster", True, id="Cluster is laid"),
        pytest.param(NAT, "node2", "Cluster", False, id="Cluster without its masquerade rule"),
        pytest.param(MASQUERADE, "node2", "Cluster", False, id="no dispatch rule yet"),
        pytest.param(NAT + DROP, "node2", "Local", True, id="Local drops where no pod is"),
        pytest.param(NAT + MASQUERADE, "node2", "Local", False, id="still Cluster's rules"),
        pytest.param(NAT, "node1", "Local", True, id="Local does not drop beside the pod"),
        pytest.param(NAT + DROP, "node1", "Local", False, id="a drop left beside the pod"),
    ],
)
def test_rules_follow_a_service_or_not_yet(rules: str, node: str, policy: str, expected: bool):
    assert follow(RulesRead(iptables=rules), node, service(policy)) is expected


def test_a_service_without_node_port_needs_no_rule_for_one():
    assert follow(RulesRead(iptables=NAT), "node2", service(node_port=None))


def test_the_drop_rule_is_found_with_its_packet_counter():
    found = dropped(RulesRead(iptables=NAT + DROP), service())
    assert found == DropRule(text=DROP_RULE, packets=5, command="iptables-save -c")


def test_a_service_whose_name_begins_alike_is_another():
    other = DROP.replace("default/nodeport has", "default/nodeport-2 has")
    assert dropped(RulesRead(iptables=NAT + other), service()) is None
