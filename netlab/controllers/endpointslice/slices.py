"""Pack endpoints into EndpointSlices so that few slices change when one endpoint does.

An endpoint stays in the slice it is in. New ones fill the slices that have room, then new slices.

Source: Kubernetes, ``staging/src/k8s.io/endpointslice/reconciler.go``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.apiserver.changes import Change, Create, Delete, update_if_changed
from netlab.controllers.endpointslice.backends import Ports
from netlab.controllers.pod_control import owner_reference
from netlab.kube.objects import Object, items_of, metadata_of, name_of, namespace_of
from netlab.kube.resources import key_of

MAX_ENDPOINTS: Final = 100
"""Endpoints in a slice, kube-controller-manager's default."""

SERVICE_NAME: Final = "kubernetes.io/service-name"
MANAGED_BY: Final = "endpointslice.kubernetes.io/managed-by"

Group = tuple[str, Ports]
"""Address type and ports: what all endpoints of a slice share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What slices are made for."""

    owner: Object
    """The Service, or the Endpoints that are mirrored."""
    labels: Mapping[str, str]
    """The labels that every slice carries."""


def pack(
    origin: Origin, wanted: Mapping[Group, Sequence[Object]], present: Sequence[Object]
) -> list[Change]:
    """Return what makes the present slices hold the wanted endpoints.

    Args:
        origin: Whose slices they are.
        wanted: Endpoints by group; an empty sequence keeps one slice without endpoints.
        present: The slices there are.
    """
    changes: list[Change] = []
    for group, endpoints in wanted.items():
        mine = [one for one in present if _group_of(one) == group]
        changes.extend(_pack_group(origin, group, endpoints, mine))
    changes.extend(Delete(key=key_of(one)) for one in present if _group_of(one) not in wanted)
    return changes


def _pack_group(
    origin: Origin, group: Group, endpoints: Sequence[Object], present: Sequence[Object]
) -> list[Change]:
    left = {endpoint["addresses"][0]: endpoint for endpoint in endpoints}
    filled: list[tuple[Object, list[Object]]] = []
    for one in present:
        held = (endpoint["addresses"][0] for endpoint in items_of(one, "endpoints"))
        filled.append((one, [left.pop(address) for address in held if address in left]))
    rest = list(left.values())
    for _, kept in filled:
        room = MAX_ENDPOINTS - len(kept)
        kept.extend(rest[:room])
        rest = rest[room:]
    changes: list[Change] = []
    is_empty = not endpoints
    for place, (one, kept) in enumerate(filled):
        if kept or (is_empty and place == 0):
            changes.extend(update_if_changed(one, _refilled(origin, one, kept)))
        else:
            changes.append(Delete(key=key_of(one)))
    changes.extend(
        Create(object=_new(origin, group, rest[start : start + MAX_ENDPOINTS]))
        for start in range(0, len(rest), MAX_ENDPOINTS)
    )
    if is_empty and not filled:
        changes.append(Create(object=_new(origin, group, ())))
    return changes


def _new(origin: Origin, group: Group, endpoints: Sequence[Object]) -> Object:
    address_type, ports = group
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name_of(origin.owner)}-",
            "namespace": namespace_of(origin.owner),
            "labels": dict(origin.labels),
            "ownerReferences": [owner_reference(origin.owner)],
        },
        "addressType": address_type,
        "endpoints": list(endpoints),
        "ports": [_port(*port) for port in ports],
    }


def _refilled(origin: Origin, old: Object, endpoints: Sequence[Object]) -> Object:
    metadata = {**metadata_of(old), "labels": dict(origin.labels)}
    return {**old, "metadata": metadata, "endpoints": list(endpoints)}


def _port(name: str, protocol: str, number: int, app_protocol: str) -> Object:
    # The name is there even when it is empty: clients follow it as a pointer.
    port: Object = {"name": name, "protocol": protocol, "port": number}
    return port | ({"appProtocol": app_protocol} if app_protocol else {})


def _group_of(one: Object) -> Group:
    ports = tuple(
        (port.get("name", ""), port["protocol"], port["port"], port.get("appProtocol", ""))
        for port in items_of(one, "ports")
    )
    return one["addressType"], ports
