"""The nodes' signs of life: a Lease each, renewed all the time, and now and then the status.

All kubelets are one process, so all leases are renewed in one transaction.

Source: Kubernetes, ``pkg/kubelet/kubelet.go`` (nodeLeaseRenewIntervalFraction),
``component-helpers/apimachinery/lease``; kubelet configuration, nodeStatusReportFrequency.
"""

from functools import partial
from typing import Final

from netlab.apiserver.bootstrap import NODE_LEASES
from netlab.apiserver.store import Store
from netlab.kube.objects import Key, Object, items_of, name_of, status_of, uid_of, with_status
from netlab.kube.resources import key_of
from netlab.kube.timestamps import micro_timestamp, seconds, timestamp
from netlab.kube.unreadable import UnreadableObjects

_DURATION_S: Final = 40
_RENEW_S: Final = 10.0
_STATUS_S: Final = 300.0
"""How old the heartbeat of a condition may get that does not change."""


def renew_leases(store: Store, now: float, unreadable: UnreadableObjects) -> float:
    """Renew the Lease of every node, and heartbeats in its status that have grown old.

    Args:
        store: Where; a Lease that is missing is made.
        now: Wall clock seconds.
        unreadable: Takes the nodes that cannot be read.

    Returns:
        When to renew them again, in wall clock seconds.
    """
    unreadable.clear()
    with store.transaction():
        for node in store.list_("nodes"):
            _renew(store, node, now)
            unreadable.read(key_of(node), partial(_beat, store, node, now))
    return now + _RENEW_S


def _renew(store: Store, node: Object, now: float) -> None:
    name = name_of(node)
    present = store.get(Key("leases", NODE_LEASES, name))
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid_of(node)}
    wanted = {
        **(present or {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}),
        "metadata": {
            **(present or {}).get("metadata", {}),
            "name": name,
            "namespace": NODE_LEASES,
            "ownerReferences": [owner],
        },
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": _DURATION_S,
            "renewTime": micro_timestamp(now),
        },
    }
    if present is None:
        store.create(wanted)
    else:
        store.update(wanted)


def _beat(store: Store, node: Object, now: float) -> None:
    conditions = items_of(status_of(node), "conditions")
    beats = [seconds(one["lastHeartbeatTime"]) for one in conditions if "lastHeartbeatTime" in one]
    if beats and min(beats) + _STATUS_S <= now:
        new = [{**one, "lastHeartbeatTime": timestamp(now)} for one in conditions]
        store.update(with_status(node, conditions=new))
