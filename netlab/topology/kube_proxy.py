"""``spec.proxy`` of a topology: how kube-proxy of every node is configured.

The fields are KubeProxyConfiguration's. What a lab settles by itself (the cluster CIDR, addresses
to bind to) is not among them.
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import Schema, mapping
from netlab.documents.problems import Report
from netlab.kube.proxy_configuration import check_values, configuration_of
from netlab.model.kube_proxy import (
    DEFAULT_MASQUERADE_BIT,
    DetectLocalMode,
    ProxyConfiguration,
    ProxyMode,
)

_BIT: Final[Schema] = {
    "type": "integer",
    "description": "The bit of the packet mark that asks for masquerading.",
    "minimum": 0,
    "maximum": 31,
    "default": DEFAULT_MASQUERADE_BIT,
}
_ALL: Final[Schema] = {
    "type": "boolean",
    "description": "Masquerade every packet for a ClusterIP.",
    "default": False,
}
_LOCALHOST: Final[Schema] = {
    "type": "boolean",
    "description": "Whether NodePorts answer on 127.0.0.1.",
    "default": True,
}


def _object(description: str, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": False,
    }


PROXY_SCHEMA: Final = _object(
    "How kube-proxy works on every node, in the fields of KubeProxyConfiguration.",
    mode={
        "type": "string",
        "description": "`iptables`, or `nftables`: a table of kube-proxy's own, loaded by nft.",
        "enum": [str(mode) for mode in ProxyMode],
        "default": str(ProxyMode.IPTABLES),
    },
    detectLocalMode={
        "type": "string",
        "description": "What makes a packet come from a pod: networks.pods, the node's own part"
        " of it, or the interface it came in by.",
        "enum": [str(mode) for mode in DetectLocalMode],
        "default": str(DetectLocalMode.CLUSTER_CIDR),
    },
    detectLocal=_object(
        "The interface that two of the modes need.",
        bridgeInterface={"type": "string", "description": "A bridge, as `cni0`."},
        interfaceNamePrefix={"type": "string", "description": "As `veth`."},
    ),
    nodePortAddresses={
        "type": "array",
        "description": "CIDRs: a node's addresses in them answer for NodePorts. Empty for all;"
        " `primary`, alone, for the InternalIP.",
        "items": {"type": "string"},
    },
    iptables=_object(
        "Of mode `iptables`.",
        masqueradeAll=_ALL,
        masqueradeBit=_BIT,
        localhostNodePorts=_LOCALHOST,
    ),
    nftables=_object("Of mode `nftables`.", masqueradeAll=_ALL, masqueradeBit=_BIT),
)


def check_proxy(spec: Mapping[str, object], report: Report) -> None:
    """Report what is wrong beyond the schema."""
    check_values(mapping(spec.get("proxy")), report, ("spec", "proxy"))


def build_proxy(spec: Mapping[str, object]) -> ProxyConfiguration:
    """Return the configuration; nothing may be wrong with it."""
    return configuration_of(mapping(spec.get("proxy")))
