"""Give each bound pod an address of its node's pod CIDR."""

from collections.abc import Iterator, Sequence
from typing import Final

from netlab.apiserver.changes import Change, Outcome, Update, update_if_changed
from netlab.controllers.controller import Changed, Controller, Objects, itself
from netlab.kube.objects import Key, Object, items_of, name_of, spec_of, status_of, with_status
from netlab.model.addresses import Address, Network, parse_cidr, parse_ip


def step(node: Object, pods: Sequence[Object]) -> tuple[Change, ...]:
    """Return the addresses for those pods of a node that have none.

    The first address of a CIDR is the pods' gateway; a pod gets the first one after it that no
    other pod holds. A terminating pod holds its own until it is gone. A pod with ``hostNetwork``
    shares the node's.

    Args:
        node: The node.
        pods: Every pod bound to it, in the order in which they are to choose.
    """
    held = _held(pods)
    cidrs = (parse_cidr(text) for text in _pod_cidrs(node))
    free = [_free(cidr, held) for cidr in cidrs if cidr is not None]
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


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the node at ``key``."""
    del now
    node = objects.get(key)
    if node is None:
        return Outcome()
    found = (objects.get(one) for one in objects.index.on_node(key.name))
    return Outcome(changes=step(node, [pod for pod in found if pod is not None]))


def _node_of_pod(objects: Objects, changed: Changed) -> Iterator[Key]:
    """Look at a pod's node when it needs an address, or gives one back."""
    del objects
    for state in changed.states:
        node = spec_of(state).get("nodeName")
        if node and (changed.new is None or not status_of(state).get("podIP")):
            yield Key("nodes", "", node)


CONTROLLER: Final = Controller(
    name="pod-addresses", watches={"nodes": itself, "pods": _node_of_pod}, step=sync
)


def _pod_cidrs(node: Object) -> list[str]:
    spec = spec_of(node)
    return spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])


def _held(pods: Sequence[Object]) -> set[Address]:
    texts = (entry.get("ip") for pod in pods for entry in items_of(status_of(pod), "podIPs"))
    return {address for text in texts if (address := parse_ip(text)) is not None}


def _free(cidr: Network, held: set[Address]) -> Iterator[Address]:
    hosts: Iterator[Address] = iter(cidr.hosts())
    next(hosts, None)
    return (address for address in hosts if address not in held)


def _internal_ips(node: Object) -> list[str]:
    addresses = items_of(status_of(node), "addresses")
    return [entry["address"] for entry in addresses if entry.get("type") == "InternalIP"]


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
