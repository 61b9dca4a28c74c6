"""Give each bound pod an address of its node's pod CIDR."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network

from netlab.apiserver.changes import Change, Update, update_if_changed
from netlab.kube.objects import Object, items_of, name_of, spec_of, status_of, with_status
from netlab.model.addresses import Address, Network


def step(node: Object, pods: Sequence[Object]) -> tuple[Change, ...]:
    """Return the addresses for those pods of a node that have none.

    The first address of a CIDR is the pods' gateway; a pod gets the first one after it that no
    other pod holds. A terminating pod holds its own until it is gone. A pod with ``hostNetwork``
    shares the node's.

    Args:
        node: The node.
        pods: Every pod bound to it, in the order in which they are to choose.
    """
    free = [_free(ip_network(cidr), _held(pods)) for cidr in _pod_cidrs(node)]
    changes: list[Change] = []
    for pod in pods:
        if status_of(pod).get("podIP"):
            continue
        if spec_of(pod).get("hostNetwork"):
            addresses = _internal_ips(node)
        else:
            addresses = [str(address) for one in free if (address := next(one, None))]
        if addresses:
            changes.append(Update(object=_addressed(pod, addresses, node)))
        else:
            changes.extend(_left_out(pod, node))
    return tuple(changes)


def _pod_cidrs(node: Object) -> list[str]:
    spec = spec_of(node)
    return spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])


def _held(pods: Sequence[Object]) -> set[Address]:
    return {ip_address(entry["ip"]) for pod in pods for entry in items_of(status_of(pod), "podIPs")}


def _free(cidr: Network, held: set[Address]) -> Iterator[Address]:
    hosts: Iterator[Address] = iter(cidr.hosts())
    next(hosts, None)
    return (address for address in hosts if address not in held)


def _internal_ips(node: Object) -> list[str]:
    addresses = items_of(status_of(node), "addresses")
    return [entry["address"] for entry in addresses if entry["type"] == "InternalIP"]


def _addressed(pod: Object, addresses: Sequence[str], node: Object) -> Object:
    fields: Object = {
        "podIP": addresses[0],
        "podIPs": [{"ip": address} for address in addresses],
    }
    hosts = _internal_ips(node)
    if hosts:
        fields |= {"hostIP": hosts[0], "hostIPs": [{"ip": address} for address in hosts]}
    status = {
        field: value
        for field, value in status_of(pod).items()
        if field not in {"reason", "message"}
    }
    return {**pod, "status": {**status, **fields}}


def _left_out(pod: Object, node: Object) -> tuple[Change, ...]:
    cidrs = " or ".join(_pod_cidrs(node)) or "its pod CIDR, which is not set"
    message = f"no address is free on node {name_of(node)} in {cidrs}"
    return update_if_changed(pod, with_status(pod, reason="NoFreeAddress", message=message))
