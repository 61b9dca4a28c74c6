"""What people call the addresses of a lab."""

from collections.abc import Iterable, Mapping
from typing import Any

from netlab.lab.cluster import Cluster
from netlab.model.hosts import Host


def address_names(
    cluster: Cluster, hosts: Iterable[Host], services: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Return the name of each address: a host's, ``node1(gateway)``, ``svc/web``.

    Args:
        cluster: The running lab.
        hosts: Of the lab.
        services: Of the lab, as the API has them.
    """
    names = {str(address): host.name for host in hosts for address in host.addresses}
    for node, gateway in cluster.gateways().items():
        names.setdefault(str(gateway), f"{node}(gateway)")
    for service in services:
        address = service["spec"].get("clusterIP")
        if address not in {None, "", "None"}:
            meta = service["metadata"]
            space = "" if meta["namespace"] == "default" else f"{meta['namespace']}/"
            names[address] = f"svc/{space}{meta['name']}"
    return names
