"""How a topology configures kube-proxy."""

from ipaddress import ip_network

from netlab.model.kube_proxy import DetectLocalMode, ProxyConfiguration, ProxyMode
from netlab.topology.parse import parse_topology

HEAD = "apiVersion: netlab/v1\nkind: Topology\n"


def proxy(text: str) -> ProxyConfiguration:
    return parse_topology(f"{HEAD}spec:\n  proxy: {text}\n", "").topology.proxy


def test_what_is_left_out_is_as_kube_proxy_has_it():
    assert proxy("{}") == ProxyConfiguration()
    assert ProxyConfiguration().has_localhost_node_ports()


def test_every_option_is_taken():
    found = proxy(
        "{detectLocalMode: InterfaceNamePrefix, detectLocal: {interfaceNamePrefix: veth},"
        " nodePortAddresses: [10.240.0.0/24],"
        " iptables: {masqueradeAll: true, masqueradeBit: 13, localhostNodePorts: false}}"
    )
    assert found == ProxyConfiguration(
        detect_local_mode=DetectLocalMode.INTERFACE_NAME_PREFIX,
        interface_name_prefix="veth",
        masquerade_all=True,
        masquerade_bit=13,
        localhost_node_ports=False,
        node_port_addresses=(ip_network("10.240.0.0/24"),),
    )


def test_options_of_the_other_mode_say_nothing():
    found = proxy("{mode: nftables, iptables: {masqueradeAll: true}, nftables: {masqueradeBit: 3}}")
    assert found == ProxyConfiguration(mode=ProxyMode.NFTABLES, masquerade_bit=3)


def test_the_loopback_address_answers_only_where_it_may():
    assert not proxy("{mode: nftables}").has_localhost_node_ports()
    assert not proxy("{nodePortAddresses: [primary]}").has_localhost_node_ports()
    assert not proxy("{nodePortAddresses: [10.240.0.0/24]}").has_localhost_node_ports()
    assert proxy("{nodePortAddresses: [127.0.0.0/8]}").has_localhost_node_ports()
    assert proxy("{nodePortAddresses: ['fd00::/8']}").has_localhost_node_ports()
