"""The cloud's configuration, as a cluster's cloud-controller-manager has it: a ConfigMap.

It is made from the topology and holds what controllers need to know of the cloud.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from netlab.kube.objects import Key, Object
from netlab.model.addresses import Family, Network, family_of
from netlab.model.topology import LoadBalancerClass, Topology

CLOUD_CONFIG: Final = Key("configmaps", "kube-system", "cloud-config")
_POOLS, _CLASS, _HOSTNAMES = "load-balancer-pools", "load-balancer-class", "load-balancer-hostnames"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudConfig:
    """What controllers know of the cloud."""

    pools: Mapping[Family, Network]
    """Where addresses of load balancers are taken from; the main family first."""
    default_class: LoadBalancerClass
    gives_hostnames: bool


def cloud_config_object(topology: Topology) -> Object:
    """Return the ConfigMap for a topology."""
    options = topology.load_balancer
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CLOUD_CONFIG.name, "namespace": CLOUD_CONFIG.namespace},
        "data": {
            _POOLS: ",".join(str(networks.vips) for networks in topology.networks),
            _CLASS: str(options.default_class),
            _HOSTNAMES: str(options.gives_hostnames).lower(),
        },
    }


def cloud_config_of(obj: Mapping[str, Any] | None) -> CloudConfig | None:
    """Return what the ConfigMap says; None when it is missing, or not what netlab wrote."""
    data = (obj or {}).get("data") or {}
    try:
        pools = [ip_network(text) for text in data[_POOLS].split(",")]
        default_class = LoadBalancerClass(data[_CLASS])
    except (KeyError, ValueError):
        return None
    return CloudConfig(
        pools={family_of(pool): pool for pool in pools},
        default_class=default_class,
        gives_hostnames=data.get(_HOSTNAMES) == "true",
    )
