"""What to call each address of a lab in output that has little room: one word."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from netlab.model.hosts import Host
from netlab.model.topology import Address


def short_names(
    hosts: Iterable[Host],
    gateways: Mapping[str, Address],
    services: Sequence[Mapping[str, Any]],
) -> dict[Address, str]:
    """Return the names: a host's, ``node1(gateway)``, ``svc/web`` or ``svc/prod/web``.

    Args:
        hosts: Of the lab.
        gateways: Each node's address on its pods' network.
        services: Of the lab, as the API has them.
    """
    named = {gateway: f"{node}(gateway)" for node, gateway in gateways.items()}
    for host in hosts:
        for address in host.addresses:
            named.setdefault(address, host.name)
    for service in services:
        meta = service["metadata"]
        space = "" if meta["namespace"] == "default" else f"{meta['namespace']}/"
        for address in cluster_ips(service):
            named[address] = f"svc/{space}{meta['name']}"
    return named


def cluster_ips(service: Mapping[str, Any]) -> list[Address]:
    """Return every ClusterIP of a Service, of both families; none when it is headless."""
    spec = service["spec"]
    found = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [ip_address(one) for one in found if one not in {None, "", "None"}]
