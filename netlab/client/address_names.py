"""What people call the addresses of a lab."""

from collections.abc import Iterable
from ipaddress import ip_address

from netlab.client.cluster import Cluster
from netlab.kube.kinds.service.view import Service
from netlab.model.addresses import Address, Family
from netlab.model.hosts import Host


def address_names(
    cluster: Cluster, hosts: Iterable[Host], services: Iterable[Service]
) -> dict[str, str]:
    """Return the name of each address: a host's, ``node1(gateway)``, ``svc/web``.

    A name stands for one address of each family. The address that others know a host by has the
    host's name. A node's address on its pods' network is ``node1(gateway)``, one that the router
    translates for it ``node1(external)``, any other ``router(198.51.100.1)``. Services have
    ClusterIPs, externalIPs and those of their load balancer.

    Args:
        cluster: The running lab.
        hosts: Of the lab.
        services: Of the lab.
    """
    names: dict[str, str] = {}
    nodes = cluster.nodes()
    for node in nodes:
        names |= {str(gateway): f"{node.name}(gateway)" for gateway in node.gateways}
    for host in hosts:
        others = [address for address in host.addresses if str(address) not in names]
        for family in Family:
            known = [address for address in others if family.holds(address)]
            names |= {str(address): f"{host.name}({address})" for address in known[1:]}
            names |= {str(address): host.name for address in known[:1]}
    for node in nodes:
        for address in node.external_ips:
            names.setdefault(str(address), f"{node.name}(external)")
    for service in services:
        space = "" if service.namespace == "default" else f"{service.namespace}/"
        names |= dict.fromkeys(map(str, service.addresses), f"svc/{space}{service.name}")
    return names


def names_by_address(cluster: Cluster) -> dict[Address, str]:
    """Return the same of a running lab, by address."""
    named = address_names(cluster, cluster.read_hosts(), cluster.services())
    return {ip_address(address): name for address, name in named.items()}
