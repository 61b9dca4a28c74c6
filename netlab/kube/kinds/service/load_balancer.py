"""What a Service of type LoadBalancer says of its balancer, and holds of it.

Source: Kubernetes API, Service v1 (loadBalancerClass, status.loadBalancer); KEP-1860 (ipMode).
"""

from collections.abc import Mapping
from typing import Any, Final

from netlab.kube.objects import annotations_of, items_of, spec_of, status_of
from netlab.model.addresses import Address, parse_ip
from netlab.model.topology import LoadBalancerClass

ADDRESS_ANNOTATION: Final = "netlab/load-balancer-ip"
"""The addresses of a Service whose status tells a host name, with commas between them."""
PROXY_PROTOCOL_ANNOTATION: Final = "netlab/proxy-protocol"
PROXY_PROTOCOLS: Final = ("v1", "v2")


def class_of(service: Mapping[str, Any], default: LoadBalancerClass) -> LoadBalancerClass | None:
    """Return the kind of balancer that serves a Service; None when none of the lab's does."""
    spec = spec_of(service)
    if spec.get("type") != "LoadBalancer":
        return None
    asked = spec.get("loadBalancerClass")
    if not asked:
        return default
    return LoadBalancerClass(asked) if asked in set(LoadBalancerClass) else None


def addresses_of(service: Mapping[str, Any]) -> tuple[Address, ...]:
    """Return the addresses that the balancer of a Service holds.

    They stand in the status, or, where that tells a host name, in an annotation.
    """
    ingress = items_of(status_of(service).get("loadBalancer") or {}, "ingress")
    noted = annotations_of(service).get(ADDRESS_ANNOTATION, "").split(",")
    texts = [one["ip"] for one in ingress if one.get("ip")] or (noted if ingress else [])
    found = (parse_ip(text) for text in texts)
    return tuple(address for address in found if address is not None)


def external_ips(service: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what kubectl shows as EXTERNAL-IP: addresses and host names from outside.

    A Service whose balancer has none yet has ``<pending>``.
    """
    spec = spec_of(service)
    ingress = items_of(status_of(service).get("loadBalancer") or {}, "ingress")
    found = (
        *(str(one.get("ip") or one.get("hostname", "")) for one in ingress),
        *map(str, spec.get("externalIPs") or ()),
    )
    return found or (("<pending>",) if spec.get("type") == "LoadBalancer" else ())


def proxy_protocol_of(service: Mapping[str, Any]) -> str:
    """Return the version of PROXY protocol that a Service asks for; empty for none."""
    asked = annotations_of(service).get(PROXY_PROTOCOL_ANNOTATION, "")
    return asked if asked in PROXY_PROTOCOLS else ""
