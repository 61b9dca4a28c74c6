"""What people call the addresses of a lab."""

from collections.abc import Iterable

from netlab.client.cluster import Cluster
from netlab.kube.kinds.service.view import Service
from netlab.model.hosts import Host


def address_names(
    cluster: Cluster, hosts: Iterable[Host], services: Iterable[Service]
) -> dict[str, str]:
    """Return the name of each address: a host's, ``node1(gateway)``, ``svc/web``.

    Services have ClusterIPs, externalIPs and those of their load balancer; of nodes, the router
    knows ExternalIPs too: ``node1(external)``.

    Args:
        cluster: The running lab.
        hosts: Of the lab.
        services: Of the lab.
    """
    names = {str(address): host.name for host in hosts for address in host.addresses}
    for node in cluster.nodes():
        for gateway in node.gateways:
            names.setdefault(str(gateway), f"{node.name}(gateway)")
        for address in node.external_ips:
            names.setdefault(str(address), f"{node.name}(external)")
    for service in services:
        space = "" if service.namespace == "default" else f"{service.namespace}/"
        names |= dict.fromkeys(map(str, service.addresses), f"svc/{space}{service.name}")
    return names
