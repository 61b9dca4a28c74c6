"""The topology's nodes as Kubernetes Node objects, kept equal to it in the store."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from netlab import __version__
from netlab.apiserver.store import Store
from netlab.kube.objects import Key, Object, items_of, labels_of, name_of, spec_of, status_of
from netlab.kube.resources import key_of
from netlab.kube.timestamps import timestamp
from netlab.kube.version import KUBERNETES_VERSION
from netlab.model.addresses import Address, parse_ip
from netlab.model.topology import Topology, TopologyNode

_CONDITIONS: Final = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID"),
    ("Ready", "True", "KubeletReady"),
)
_PODS: Final = 1000
"""What a node takes at most; a smaller pod network takes as many as it has addresses."""


def store_nodes(store: Store, topology: Topology, now: float) -> None:
    """Create, update and remove Node objects until they are the topology's nodes."""
    wanted = {node.name: node for node in topology.nodes}
    with store.transaction():
        for obj in store.list_("nodes"):
            if name_of(obj) not in wanted:
                store.remove(Key("nodes", "", name_of(obj)))
        for name, node in wanted.items():
            present = store.get(Key("nodes", "", name))
            if present is None:
                store.create(_node_object(node, {}, now))
            else:
                store.update(_node_object(node, present, now))


def remove_unplaced(store: Store, topology: Topology) -> None:
    """Remove pods whose node is gone, or whose addresses are no longer of their node.

    Kubernetes moves no pod and changes no address; what owns one makes another.
    """
    places = {node.name: node for node in topology.nodes}
    with store.transaction():
        for pod in store.list_("pods"):
            name = spec_of(pod).get("nodeName")
            addresses = [entry.get("ip") for entry in items_of(status_of(pod), "podIPs")]
            # A pod that never got an address waits for one.
            if not name or not addresses:
                continue
            node = places.get(name)
            if node is None or not _has(node, [parse_ip(one) for one in addresses]):
                store.remove(key_of(pod))


def _has(node: TopologyNode, addresses: Sequence[Address | None]) -> bool:
    """Return whether these are what a pod of the node has: one of each family of the lab's.

    What is no address is None.
    """
    return len(addresses) == len(node.pod_cidrs) and all(
        address is not None and (address == host or address in cidr)
        for address, host, cidr in zip(addresses, node.addresses, node.pod_cidrs, strict=True)
    )


def _node_object(node: TopologyNode, present: Object, now: float) -> Object:
    labels = {
        "kubernetes.io/arch": _architecture(),
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        **dict(node.labels),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            **present.get("metadata", {}),
            "name": node.name,
            "labels": {**labels_of(present), **labels},
        },
        "spec": {
            **present.get("spec", {}),
            "podCIDR": str(node.pod_cidrs[0]),
            "podCIDRs": [str(cidr) for cidr in node.pod_cidrs],
            "providerID": f"netlab://{node.name}",
        },
        "status": _status(node, status_of(present), now),
    }


def _status(node: TopologyNode, present: Object, now: float) -> Object:
    resources = {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 10}Ki",
        "pods": str(_room(node)),
    }
    return {
        "addresses": [
            *({"type": "InternalIP", "address": str(address)} for address in node.addresses),
            *({"type": "ExternalIP", "address": str(address)} for address in node.external_ips),
            {"type": "Hostname", "address": node.name},
        ],
        "capacity": resources,
        "allocatable": resources,
        "conditions": present.get("conditions")
        or [
            {
                "type": kind,
                "status": status,
                "reason": reason,
                "message": "the node is a network namespace of this machine",
                "lastHeartbeatTime": timestamp(now),
                "lastTransitionTime": timestamp(now),
            }
            for kind, status, reason in _CONDITIONS
        ],
        "nodeInfo": _node_info(),
    }


def _room(node: TopologyNode) -> int:
    """Return how many pods a node takes: network, gateway and broadcast address are none's."""
    return min(_PODS, *(cidr.num_addresses - 3 for cidr in node.pod_cidrs))


def _node_info() -> Object:
    return {
        "architecture": _architecture(),
        "bootID": _first_line("/proc/sys/kernel/random/boot_id"),
        "containerRuntimeVersion": f"netlab://{__version__}",
        "kernelVersion": platform.release(),
        "kubeProxyVersion": KUBERNETES_VERSION,
        "kubeletVersion": KUBERNETES_VERSION,
        "machineID": "",
        "operatingSystem": "linux",
        "osImage": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
        "systemUUID": "",
    }


def _architecture() -> str:
    """Return the machine's architecture as Go names it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _first_line(path: str) -> str:
    return Path(path).read_text().strip()
