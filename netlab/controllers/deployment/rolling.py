"""How many replicas each ReplicaSet of a Deployment may have at this moment.

With ``RollingUpdate`` the whole never exceeds the wanted number by more than ``maxSurge``, and
never falls more than ``maxUnavailable`` short of it in available pods. With ``Recreate`` the new
pods start when the last old one is gone.

Source: Kubernetes, ``pkg/controller/deployment/rolling.go`` and ``recreate.go``.
"""

import math
from collections.abc import Sequence

from netlab.kube.objects import (
    Object,
    controller_of,
    name_of,
    spec_of,
    status_of,
    uid_of,
)


def limits(deployment: Object) -> tuple[int, int]:
    """Return ``maxSurge`` and ``maxUnavailable`` in pods.

    Percentages are of the wanted number, the surge rounded up and the other down; both zero would
    stop every update, so then one pod may be unavailable.
    """
    wanted = _wanted(deployment)
    rolling = (spec_of(deployment).get("strategy") or {}).get("rollingUpdate") or {}
    surge = math.ceil(_pods(rolling.get("maxSurge", "25%"), wanted))
    unavailable = math.floor(_pods(rolling.get("maxUnavailable", "25%"), wanted))
    if not surge and not unavailable:
        unavailable = 1
    return surge, min(unavailable, wanted)


def is_recreate(deployment: Object) -> bool:
    """Return whether old pods must be gone before new ones start."""
    return bool((spec_of(deployment).get("strategy") or {}).get("type") == "Recreate")


def may_start(deployment: Object, pods: Sequence[Object]) -> bool:
    """Return whether a new template may get its ReplicaSet while these old pods are there."""
    return not is_recreate(deployment) or not pods


def first_size(deployment: Object, old: Sequence[Object]) -> int:
    """Return the replicas with which the ReplicaSet of a new template starts."""
    wanted = _wanted(deployment)
    if is_recreate(deployment):
        return wanted
    surge, _ = limits(deployment)
    return max(0, min(wanted, wanted + surge - sum(map(_size, old))))


def emptied(deployment: Object, old: Sequence[Object]) -> dict[str, int]:
    """Return the sizes that end all old pods of a ``Recreate`` update, or none."""
    return {name_of(one): 0 for one in old} if is_recreate(deployment) else {}


def paused_sizes(deployment: Object, new: Object | None, old: Sequence[Object]) -> dict[str, int]:
    """Return the size of a paused Deployment's newest template with replicas, and nothing else."""
    active = new or next((one for one in reversed(old) if _size(one)), None)
    if active is None:
        return {}
    others = sum(_size(one) for one in old if one is not active)
    return {name_of(active): max(0, _wanted(deployment) - others)}


def next_sizes(
    deployment: Object, new: Object, old: Sequence[Object], pods: Sequence[Object]
) -> dict[str, int]:
    """Return the replicas each ReplicaSet may have now, by name."""
    if is_recreate(deployment):
        sizes = {name_of(one): 0 for one in old}
        old_uids = {uid_of(one) for one in old}
        waits = any(
            (controller := controller_of(pod)) and controller["uid"] in old_uids for pod in pods
        )
        sizes[name_of(new)] = _size(new) if waits else _wanted(deployment)
        return sizes
    new_size = _next_new_size(deployment, new, old)
    sizes = {name_of(one): _size(one) for one in old} | {name_of(new): new_size}
    if new_size == _size(new):
        _shrink(deployment, new, old, sizes)
    return sizes


def _next_new_size(deployment: Object, new: Object, old: Sequence[Object]) -> int:
    wanted = _wanted(deployment)
    if _size(new) >= wanted:
        return wanted
    surge, _ = limits(deployment)
    room = wanted + surge - _size(new) - sum(map(_size, old))
    return _size(new) + max(0, min(room, wanted - _size(new)))


def _shrink(deployment: Object, new: Object, old: Sequence[Object], sizes: dict[str, int]) -> None:
    """Take from the old sizes what may go: first what is not available, then the rest."""
    _, unavailable = limits(deployment)
    least = _wanted(deployment) - unavailable
    total = _size(new) + sum(map(_size, old))
    budget = total - least - (_size(new) - _available(new))
    for one in old:
        gone = max(0, min(budget, _size(one) - _available(one)))
        sizes[name_of(one)] -= gone
        budget -= gone
    spare = _available(new) + sum(map(_available, old)) - least
    for one in old:
        gone = max(0, min(spare, sizes[name_of(one)]))
        sizes[name_of(one)] -= gone
        spare -= gone


def _wanted(deployment: Object) -> int:
    return int(spec_of(deployment).get("replicas", 1))


def _size(replicaset: Object) -> int:
    return int(spec_of(replicaset).get("replicas", 1))


def _available(replicaset: Object) -> int:
    return int(status_of(replicaset).get("availableReplicas", 0))


def _pods(limit: object, wanted: int) -> float:
    """Return a count or a share in pods; what is neither counts as the default share."""
    if isinstance(limit, int):
        return limit
    digits = limit.removesuffix("%") if isinstance(limit, str) else ""
    share = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 25
    return share * wanted / 100
