"""The configuration that kube-proxy shows: a KubeProxyConfiguration, as its file would have it.

Only fields that netlab acts on are in it; ``netlab.kube.proxy_configuration.configuration_of``
reads them back.

Source: Kubernetes, ``staging/src/k8s.io/component-base/configz``.
"""

from typing import Final

from netlab.kube.proxy_configuration import CONFIGURATION_KIND, CONFIGURATION_VERSION
from netlab.model.kube_proxy import ProxyConfiguration, ProxyMode

GROUP: Final = "kubeproxy.config.k8s.io"


def configz_values(configuration: ProxyConfiguration, mode: ProxyMode) -> dict[str, object]:
    """Return what ``/configz`` answers: the configuration in force, below its API group."""
    masquerade = {
        "masqueradeAll": configuration.masquerade_all,
        "masqueradeBit": configuration.masquerade_bit,
    }
    iptables = {**masquerade, "localhostNodePorts": configuration.localhost_node_ports}
    return {
        GROUP: {
            "apiVersion": CONFIGURATION_VERSION,
            "kind": CONFIGURATION_KIND,
            "mode": str(mode),
            "clusterCIDR": ",".join(map(str, configuration.cluster_cidrs)),
            "detectLocalMode": str(configuration.detect_local_mode),
            "detectLocal": {
                "bridgeInterface": configuration.bridge_interface,
                "interfaceNamePrefix": configuration.interface_name_prefix,
            },
            "nodePortAddresses": list(map(str, configuration.node_port_addresses)),
            "conntrack": {"tcpBeLiberal": configuration.conntrack_tcp_be_liberal},
            "iptables": iptables if mode is ProxyMode.IPTABLES else {},
            "nftables": masquerade if mode is ProxyMode.NFTABLES else {},
        }
    }
