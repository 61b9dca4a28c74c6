from ipaddress import ip_address, ip_network

import pytest

from netlab.errors import SpecError
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyMode
from netlab.model.topology import Cni, ManifestFile
from netlab.topology.parse import parse_spec, parse_topology

HEAD = "apiVersion: netlab/v1\nkind: Topology\n"


def topology(spec: str = ""):
    return parse_topology(HEAD + spec, "lab.yaml").topology


def complaints(text: str):
    with pytest.raises(SpecError) as caught:
        parse_topology(text, "lab.yaml")
    return str(caught.value).split("\n")


def test_everything_has_a_default():
    lab = topology()
    (node,) = lab.nodes
    (client,) = lab.clients
    assert (
        node.name,
        str(node.addresses[0]),
        str(node.external_ips[0]),
        str(node.pod_cidrs[0]),
    ) == (
        "node1",
        "10.240.0.3",
        "192.0.2.3",
        "10.244.1.0/24",
    )
    assert (client.name, str(client.addresses[0])) == ("client", "198.51.100.79")
    assert (lab.name, lab.mtu, lab.cni, lab.message) == ("topology", 1460, Cni.PTP, "")
    assert lab.proxy.mode is ProxyMode.IPTABLES
    assert lab.networks[0].services == ip_network("10.0.0.0/16")


def test_counts_stand_for_hosts_in_a_row():
    lab = topology("spec: {nodes: 3, clients: 2}")
    assert [(node.name, str(node.addresses[0]), str(node.pod_cidrs[0])) for node in lab.nodes] == [
        ("node1", "10.240.0.3", "10.244.1.0/24"),
        ("node2", "10.240.0.4", "10.244.2.0/24"),
        ("node3", "10.240.0.5", "10.244.3.0/24"),
    ]
    assert [(one.name, str(one.addresses[0])) for one in lab.clients] == [
        ("client", "198.51.100.79"),
        ("client2", "198.51.100.80"),
    ]


def test_a_lab_may_have_no_client():
    assert topology("spec: {clients: 0}").clients == ()
    assert topology("spec: {clients: []}").clients == ()


def test_what_is_asked_for_is_kept_and_filled_in_around():
    lab = topology(
        """
metadata: {name: mine}
spec:
  networks: {nodes: 172.16.0.0/16}
  mtu: 9000
  cni: bridge
  proxy: {mode: nftables}
  message: hello
  nodes:
    - {name: a, address: 172.16.0.4, podCIDR: 10.244.2.0/23, labels: {zone: z, a.b/c: d}}
    - {}
    - {name: far, address: 172.16.9.9, externalIP: 192.0.2.77}
  clients: [{address: 198.51.100.5}]
"""
    )
    assert (lab.name, lab.mtu, lab.cni, lab.message) == ("mine", 9000, Cni.BRIDGE, "hello")
    assert lab.proxy.mode is ProxyMode.NFTABLES
    assert [(one.name, str(one.addresses[0]), str(one.external_ips[0])) for one in lab.nodes] == [
        ("a", "172.16.0.4", "192.0.2.4"),
        ("node2", "172.16.0.2", "192.0.2.2"),
        ("far", "172.16.9.9", "192.0.2.77"),
    ]
    assert [str(node.pod_cidrs[0]) for node in lab.nodes] == [
        "10.244.2.0/23",
        "10.244.4.0/24",
        "10.244.5.0/24",
    ]
    assert lab.nodes[0].labels == (("a.b/c", "d"), ("zone", "z"))
    assert lab.clients[0].addresses[0] == ip_address("198.51.100.5")


def test_a_thousand_nodes_get_smaller_pod_networks():
    networks = "{nodes: 172.16.0.0/16, externalIPs: 172.17.0.0/16}"
    lab = topology(f"spec: {{nodes: 1000, networks: {networks}}}")
    assert str(lab.nodes[999].pod_cidrs[0]) == "10.244.250.0/26"
    assert len({node.addresses[0] for node in lab.nodes}) == 1000


def test_a_full_network_is_filled_from_its_first_free_address():
    lab = topology("spec: {nodes: 252, clients: 253}")
    assert lab.nodes[251].addresses[0] == ip_address("10.240.0.254")
    assert lab.lb == (ip_address("10.240.0.2"),)
    assert ip_address("198.51.100.2") in {client.addresses[0] for client in lab.clients}


def test_the_load_balancer_makes_room_for_a_node_that_asked_for_its_address():
    lab = topology("spec: {nodes: [{address: 10.240.0.2}, {}, {}]}")
    assert [str(node.addresses[0]) for node in lab.nodes] == [
        "10.240.0.2",
        "10.240.0.4",
        "10.240.0.5",
    ]
    assert lab.lb == (ip_address("10.240.0.3"),)


def test_every_problem_is_told_at_once_in_the_order_of_lines():
    text = HEAD + (
        "spec:\n  mtu: 1\n  nodes:\n  - {name: A}\n  - {adress: 1}\n  cni: x\n"
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
    )
    lines = [int(one.split(":")[1]) for one in complaints(text)]
    assert lines == [4, 6, 7, 8, 10]


def test_yaml_that_does_not_parse_hides_nothing_before_it():
    told = complaints(HEAD + "spec: {mtu: 1}\n---\na: [")
    assert "spec.mtu" in told[0]
    assert "this is not YAML" in told[1]


FIRST = {
    "a manifest": "apiVersion: v1\nkind: Pod\n",
    "a text": "hello",
    "a list": "- 1",
    "a word that is nearly right": "apiVersion: netlab/v1\nkind: Topologie\n",
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST)
def test_the_first_document_must_be_the_topology(text: str):
    (told,) = complaints(text)
    assert "the first document must be apiVersion netlab/v1, kind Topology" in told


def test_another_version_is_refused():
    (told,) = complaints("apiVersion: netlab/v9\nkind: Topology")
    assert told.startswith('lab.yaml:1: apiVersion: Unsupported value: "netlab/v9"')


def test_pods_must_fit_the_topology():
    pod = (
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
        "spec: {nodeName: node7, containers: [{name: c, image: nginx}]}"
    )
    (told,) = complaints(HEAD + pod)
    assert told.startswith('lab.yaml:7: spec.nodeName: Invalid value: "node7"')
    assert told.endswith('the topology has no such node (did you mean "node1"?)')


def test_a_file_of_manifests_alone_is_no_topology():
    file = parse_spec("apiVersion: v1\nkind: Namespace\nmetadata: {name: prod}", "x.yaml")
    assert file == ManifestFile(
        manifests=({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}},)
    )
    with pytest.raises(SpecError, match="the first document must be"):
        parse_spec("apiVersion: netlab/v1\nkind: Tpology", "x.yaml")


def test_a_dual_stack_lab_has_addresses_of_both_families():
    lab = topology("spec: {ipFamilies: [IPv4, IPv6], nodes: 2}")
    assert lab.families == (Family.IPV4, Family.IPV6)
    node = lab.nodes[1]
    assert [str(one) for one in (*node.addresses, *node.external_ips, *node.pod_cidrs)] == [
        *("10.240.0.4", "fd00:10:240::4"),
        *("192.0.2.4", "2001:db8:192::4"),
        *("10.244.2.0/24", "fd00:10:244:2::/64"),
    ]
    assert [str(one) for one in lab.clients[0].addresses] == [
        "198.51.100.79",
        "2001:db8:198:51::79",
    ]
    assert [str(one) for one in lab.lb] == ["10.240.0.2", "fd00:10:240::2"]
    assert [str(one) for one in lab.service_networks] == ["10.0.0.0/16", "fd00:10:96::/112"]


def test_the_first_family_is_the_main_one():
    lab = topology("spec: {ipFamilies: [IPv6, IPv4]}")
    assert [str(one) for one in lab.nodes[0].addresses] == ["fd00:10:240::3", "10.240.0.3"]


def test_a_lab_of_ipv6_alone_has_no_address_of_ipv4():
    lab = topology("spec: {ipFamilies: [IPv6]}")
    assert [str(one) for one in lab.nodes[0].pod_cidrs] == ["fd00:10:244:1::/64"]
    assert len(lab.networks) == 1


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("10.240.0.9", id="of one family, the other is filled in"),
        pytest.param("[10.240.0.9, 'fd00:10:240::3']", id="of both"),
        pytest.param("['fd00:10:240::3', 10.240.0.9]", id="in another order"),
    ],
)
def test_a_node_asks_for_addresses_by_family(address: str):
    lab = topology(f"spec: {{ipFamilies: [IPv4, IPv6], nodes: [{{address: {address}}}]}}")
    assert [str(one) for one in lab.nodes[0].addresses] == ["10.240.0.9", "fd00:10:240::3"]


def test_networks_are_asked_for_by_family():
    spec = "spec: {ipFamilies: [IPv4, IPv6], networks: {pods: 'fd12::/48', nodes: [10.1.0.0/24]}}"
    networks = topology(spec).networks
    assert [str(one.pods) for one in networks] == ["10.244.0.0/16", "fd12::/48"]
    assert [str(one.nodes) for one in networks] == ["10.1.0.0/24", "fd00:10:240::/64"]
