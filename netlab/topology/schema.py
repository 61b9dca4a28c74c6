"""The fields of a topology document: what the parser checks, and what editors complete from."""

from typing import Final

from netlab.documents.json_schema import Schema
from netlab.model.addresses import Family
from netlab.model.topology import API_VERSION, KIND, Cni
from netlab.topology.images import IMAGES_SCHEMA
from netlab.topology.kube_proxy import PROXY_SCHEMA
from netlab.topology.load_balancer import DNS_SCHEMA, LOAD_BALANCER_SCHEMA

DEFAULT_NETWORKS: Final = {
    Family.IPV4: {
        "nodes": "10.240.0.0/24",
        "pods": "10.244.0.0/16",
        "services": "10.0.0.0/16",
        "clients": "198.51.100.0/24",
        "externalIPs": "192.0.2.0/24",
        "vips": "203.0.113.0/24",
    },
    Family.IPV6: {
        "nodes": "fd00:10:240::/64",
        "pods": "fd00:10:244::/48",
        "services": "fd00:10:96::/112",
        "clients": "2001:db8:198:51::/64",
        "externalIPs": "2001:db8:192::/64",
        "vips": "2001:db8:203::/64",
    },
}
NETWORK_NAMES: Final = tuple(DEFAULT_NETWORKS[Family.IPV4])
DEFAULT_MTU: Final = 1460
MAX_HOSTS: Final = 5000
"""As many nodes as a Kubernetes cluster may have; as many clients."""


def _object(description: str, properties: dict[str, Schema], *required: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _text(description: str, **more: object) -> Schema:
    return {"type": "string", "description": description, **more}


def _by_family(description: str, **more: object) -> Schema:
    return {
        "description": description,
        "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        **more,
    }


def _network(name: str, description: str) -> Schema:
    both = [networks[name] for networks in DEFAULT_NETWORKS.values()]
    return _by_family(description, default=both[0], examples=[both[0], both])


_NAME: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"

_NETWORKS: Final = _object(
    "The address ranges of the lab. None may overlap another. Each is one network, or a list of one"
    " for each address family; what is left out has its default.",
    {
        "nodes": _network(
            "nodes", "InternalIPs. The router holds the first address, `lb` the next free one."
        ),
        "pods": _network("pods", "The cluster CIDR; each node has a part of it."),
        "services": _network("services", "ClusterIPs; `kubernetes` has the first address."),
        "clients": _network("clients", "The internet. The router holds the first address."),
        "externalIPs": _network(
            "externalIPs", "ExternalIPs of the nodes, translated 1:1 by the router."
        ),
        "vips": _network(
            "vips", "Addresses of LoadBalancer Services. The router sends them to `lb`."
        ),
    },
)

_NODE: Final = _object(
    "A Kubernetes node. What is left out is filled in by the node's place in the list.",
    {
        "name": _text("A DNS label; `node1`, `node2` ... by default.", pattern=_NAME),
        "address": _by_family("InternalIP, in networks.nodes; the third address on, by default."),
        "externalIP": _by_family(
            "In networks.externalIPs; by default the address with the InternalIP's host number."
        ),
        "podCIDR": _by_family(
            "The node's part of networks.pods; a /24, or a /64 of IPv6, by default."
        ),
        "labels": {
            "type": "object",
            "description": "Node labels beyond those netlab sets.",
            "additionalProperties": {"type": "string"},
        },
    },
)

_CLIENT: Final = _object(
    "A host on the internet.",
    {
        "name": _text("A DNS label; `client`, `client2` ... by default.", pattern=_NAME),
        "address": _by_family("In networks.clients; host number 79 on, by default."),
    },
)

_SPEC: Final = _object(
    "The hosts and networks of the lab.",
    {
        "ipFamilies": {
            "type": "array",
            "description": "The address families of nodes, pods and Services; of two, the first is"
            " the one that Services have when they do not ask for another.",
            "items": {"type": "string", "enum": [str(family) for family in Family]},
            "minItems": 1,
            "maxItems": 2,
            "uniqueItems": True,
            "default": [str(Family.IPV4)],
        },
        "networks": _NETWORKS,
        "mtu": {
            "type": "integer",
            "description": "Bytes a link carries in one IP packet.",
            "minimum": 576,
            "maximum": 9000,
            "default": DEFAULT_MTU,
        },
        "cni": {
            "type": "string",
            "description": "How pods are wired: `ptp`, a routed veth pair for each pod; "
            "`bridge`, all pods of a node on cni0.",
            "enum": [str(cni) for cni in Cni],
            "default": str(Cni.PTP),
        },
        "proxy": PROXY_SCHEMA,
        "loadBalancer": LOAD_BALANCER_SCHEMA,
        "dns": DNS_SCHEMA,
        "images": IMAGES_SCHEMA,
        "nodes": {
            "description": "How many nodes, or a list of them.",
            "oneOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_HOSTS},
                {"type": "array", "minItems": 1, "items": _NODE},
            ],
            "default": 1,
        },
        "clients": {
            "description": "How many clients, or a list of them.",
            "oneOf": [
                {"type": "integer", "minimum": 0, "maximum": MAX_HOSTS},
                {"type": "array", "items": _CLIENT},
            ],
            "default": 1,
        },
        "message": _text("What `netlab up` prints when the lab is ready."),
    },
)

TOPOLOGY_SCHEMA: Final[Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "netlab topology",
    **_object(
        "The first document of a topology file. Kubernetes manifests follow it after `---`.",
        {
            "apiVersion": {"type": "string", "enum": [API_VERSION]},
            "kind": {"type": "string", "enum": [KIND]},
            "metadata": _object(
                "What the topology is called.",
                {"name": _text("A DNS label.", pattern=_NAME, default="topology")},
            ),
            "spec": _SPEC,
        },
        "apiVersion",
        "kind",
    ),
}
"""JSON schema, draft 2020-12, of the Topology document."""
