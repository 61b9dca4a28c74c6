"""The configuration that kube-proxy shows is one that it could be started with."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netlab.documents.problems import Document, Report
from netlab.kube.kinds.service.view import ProxyNode
from netlab.kube.proxy_configuration import check_configuration, configuration_of
from netlab.kubeproxy.configz import GROUP, configz_values
from netlab.model.kube_proxy import DetectLocalMode, ProxyConfiguration, ProxyMode

NODE = ProxyNode(name="node1", addresses=(ip_address("10.240.0.3"),))
CONFIGURATIONS = (
    ProxyConfiguration(),
    ProxyConfiguration(cluster_cidrs=(ip_network("10.244.0.0/16"), ip_network("fd00::/48"))),
    ProxyConfiguration(
        detect_local_mode=DetectLocalMode.BRIDGE_INTERFACE,
        bridge_interface="cni0",
        masquerade_all=True,
        masquerade_bit=7,
        node_port_addresses=(ip_network("10.240.0.0/24"),),
        conntrack_tcp_be_liberal=True,
    ),
    ProxyConfiguration(
        detect_local_mode=DetectLocalMode.INTERFACE_NAME_PREFIX, interface_name_prefix="veth"
    ),
)


@pytest.mark.parametrize("mode", list(ProxyMode))
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_what_is_shown_means_what_is_in_force(configuration: ProxyConfiguration, mode: ProxyMode):
    shown = configz_values(configuration, mode)[GROUP]
    assert isinstance(shown, dict)
    report = Report(Document(value=shown))
    check_configuration(shown, report)
    assert report.problems == []
    assert shown["mode"] == mode
    assert configuration_of(shown, mode) == replace(configuration, mode=mode)


def test_localhost_node_ports_are_shown_as_they_are():
    configuration = ProxyConfiguration(localhost_node_ports=False)
    shown = configz_values(configuration, ProxyMode.IPTABLES)[GROUP]
    assert isinstance(shown, dict)
    assert configuration_of(shown, ProxyMode.IPTABLES) == configuration
