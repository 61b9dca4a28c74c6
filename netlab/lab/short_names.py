"""What to call each address of a lab in output that has little room: one word."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from netlab.model.hosts import Host
from netlab.model.topology import Address


def short_names(hosts: Iterable[Host], services: Sequence[Mapping[str, Any]]) -> dict[Address, str]:
    """Return the names: a host's, ``svc/web``, or ``svc/prod/web`` outside namespace ``default``.

    Args:
        hosts: Of the lab; a node's gateway on its pods' network is one of its addresses.
        services: Of the lab, as the API has them.
    """
    named = {address: host.name for host in hosts for address in host.addresses}
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
