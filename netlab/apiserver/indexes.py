"""Ways into the store that cost as much as what they find, not as much as what is stored."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from netlab.kube.kinds.service.allocations import cluster_ips, held_ports
from netlab.kube.objects import Key, Object, labels_of, namespace_of, owners_of, spec_of, uid_of
from netlab.model.addresses import parse_ip

_WORKLOADS: Final = frozenset({"replicasets", "daemonsets", "statefulsets", "jobs"})
"""What has a LabelSelector for its pods."""


class Indexes:
    """Keys of stored objects by uid, owner, label and node; of Services by what they hold."""

    def __init__(self) -> None:
        self._uids: dict[str, Key] = {}
        self._sets: dict[tuple[str, ...], dict[Key, None]] = defaultdict(dict)

    def replace(self, key: Key, old: Object | None, new: Object | None) -> None:
        """Note that the object at ``key`` went from ``old`` to ``new``; None is not stored."""
        before = set(_entries(key, old)) if old is not None else set()
        after = set(_entries(key, new)) if new is not None else set()
        for entry in before - after:
            del self._sets[entry][key]
            if not self._sets[entry]:
                del self._sets[entry]
        for entry in after - before:
            self._sets[entry][key] = None
        if new is not None:
            self._uids[uid_of(new)] = key
        elif old is not None:
            self._uids.pop(uid_of(old), None)

    def holder(self, uid: str) -> Key | None:
        """Return the key of the object with this uid, or None."""
        return self._uids.get(uid)

    def owned(self, uid: str) -> list[Key]:
        """Return what has the object with this uid among its owners."""
        return self._found("owner", uid)

    def on_node(self, node: str) -> list[Key]:
        """Return the pods bound to a node."""
        return self._found("node", node)

    def unbound(self) -> list[Key]:
        """Return the pods bound to no node, oldest first."""
        return self._found("node", "")

    def with_labels(self, resource: str, namespace: str, labels: Mapping[str, str]) -> list[Key]:
        """Return what may carry all of ``labels``: every object that does, and some that do not."""
        sets: list[dict[Key, None]] = [
            self._sets.get(("label", resource, namespace, label, value), {})
            for label, value in labels.items()
        ]
        smallest: dict[Key, None] = min(sets, key=_size, default={})
        return list(smallest)

    def selecting(self, resource: str, pod: Object) -> list[Key]:
        """Return the Services, or the workloads of one resource, that may select ``pod``."""
        namespace = namespace_of(pod)
        found: dict[Key, None] = {}
        for label, value in labels_of(pod).items():
            found.update(self._sets.get(("selector", resource, namespace, label, value), {}))
        return list(found)

    def with_cluster_ip(self, address: str) -> list[Key]:
        """Return the Services that hold a ClusterIP, written as ``ipaddress`` has it."""
        return self._found("cluster-ip", address)

    def with_node_port(self, port: int) -> list[Key]:
        """Return the Services that hold a NodePort, or a healthCheckNodePort."""
        return self._found("node-port", str(port))

    def _found(self, *entry: str) -> list[Key]:
        return list(self._sets.get(entry, ()))


def _size(keys: dict[Key, None]) -> int:
    return len(keys)


def _entries(key: Key, obj: Object) -> Iterator[tuple[str, ...]]:
    for owner in owners_of(obj):
        yield "owner", owner["uid"]
    for label, value in labels_of(obj).items():
        yield "label", key.resource, key.namespace, label, value
    if key.resource == "pods":
        yield "node", spec_of(obj).get("nodeName") or ""
    if key.resource == "services":
        yield from _held(obj)
    pair = _first_pair(key, obj)
    if pair is not None:
        yield "selector", key.resource, key.namespace, *pair


def _held(service: Object) -> Iterator[tuple[str, str]]:
    """Yield what no other Service may have."""
    addresses = map(parse_ip, cluster_ips(service))
    yield from (("cluster-ip", str(address)) for address in addresses if address is not None)
    yield from (("node-port", str(port)) for port in held_ports(service))


def _first_pair(key: Key, obj: Object) -> tuple[str, str] | None:
    """Return one pair that every selected pod carries: enough to find the selector by."""
    selector = spec_of(obj).get("selector") or {}
    if key.resource in _WORKLOADS:
        selector = selector.get("matchLabels") or {}
    elif key.resource != "services":
        return None
    return min(selector.items()) if selector else None
