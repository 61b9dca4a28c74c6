"""What people call the addresses of a lab."""

from collections.abc import Iterable, Mapping
from typing import Any

from netlab.client.cluster import Cluster, service_addresses
from netlab.model.hosts import Host


def address_names(
    cluster: Cluster, hosts: Iterable[Host], services: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Return the name of each address: a host's, ``node1(gateway)``, ``svc/web``.

    Services have ClusterIPs, externalIPs and those of their load balancer; of nodes, the router
    knows ExternalIPs too: ``node1(external)``.

    Args:
        cluster: The running lab.
        hosts: Of the lab.
        services: Of the lab, as the API has them.
    """
    names = {str(address): host.name for host in hosts for address in host.addresses}
    for node, gateways in cluster.gateways().items():
        for gateway in gateways:
            names.setdefault(str(gateway), f"{node}(gateway)")
    for node, external in cluster.external_ips().items():
        for address in external:
            names.setdefault(str(address), f"{node}(external)")
    for service in services:
        meta = service["metadata"]
        space = "" if meta["namespace"] == "default" else f"{meta['namespace']}/"
        for address in service_addresses(service):
            names[str(address)] = f"svc/{space}{meta['name']}"
    return names
