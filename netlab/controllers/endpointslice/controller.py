"""Hold the pods behind each Service in EndpointSlices.

Source: Kubernetes, ``pkg/controller/endpointslice`` and ``staging/src/k8s.io/endpointslice``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from netlab.apiserver.changes import Change, Delete, Outcome
from netlab.controllers.controller import Changed, Controller, Objects
from netlab.controllers.endpointslice import backends
from netlab.controllers.endpointslice.hints import with_hints
from netlab.controllers.endpointslice.slices import MANAGED_BY, SERVICE_NAME, Group, Origin, pack
from netlab.kube.objects import (
    Key,
    Object,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
)
from netlab.kube.resources import key_of

CONTROLLER_NAME: Final = "endpointslice-controller.k8s.io"

_ZONE: Final = "topology.kubernetes.io/zone"
_HEADLESS: Final = "service.kubernetes.io/headless"


def step(
    service: Object,
    pods: Sequence[Object],
    nodes: Mapping[str, Object],
    present: Sequence[Object],
) -> list[Change]:
    """Return what makes a Service's slices tell of its pods.

    A Service without a selector is left alone: its slices are somebody else's. A Service that no
    pod matches has one slice without endpoints for each family.

    Args:
        service: As stored.
        pods: Those its selector picks.
        nodes: By name, for the zones.
        present: Slices labelled with the Service's name, of whatever maker.
    """
    mine = [one for one in present if labels_of(one).get(MANAGED_BY) == CONTROLLER_NAME]
    if spec_of(service).get("type") == "ExternalName":
        return [Delete(key=key_of(one)) for one in mine]
    if not spec_of(service).get("selector"):
        return []
    wanted: dict[Group, list[Object]] = {}
    for family in spec_of(service).get("ipFamilies") or ["IPv4"]:
        groups = _groups(service, pods, nodes, family)
        wanted |= groups or {(family, ()): []}
    return pack(Origin(owner=service, labels=_labels(service)), wanted, mine)


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the Service at ``key``."""
    del now
    service = objects.get(key)
    if service is None or is_terminating(service):
        return Outcome()
    pods = objects.select("pods", key.namespace, spec_of(service).get("selector") or {})
    slices = objects.select("endpointslices", key.namespace, {SERVICE_NAME: key.name})
    return Outcome(changes=step(service, pods, _nodes_of(objects, pods), slices))


def service_itself(objects: Objects, changed: Changed) -> Iterator[Key]:
    """Look at the Service of the name of a Service or of Endpoints."""
    del objects
    yield Key("services", changed.key.namespace, changed.key.name)


def service_of_slice(objects: Objects, changed: Changed) -> Iterator[Key]:
    """Look at the Service that an EndpointSlice says it is for."""
    del objects
    for state in changed.states:
        name = labels_of(state).get(SERVICE_NAME)
        if name:
            yield Key("services", changed.key.namespace, name)


def services_of_pod(objects: Objects, changed: Changed) -> Iterator[Key]:
    """Look at the Services whose selector may pick a pod."""
    for state in changed.states:
        yield from objects.index.selecting("services", state)


def _services_of_node(objects: Objects, changed: Changed) -> Iterator[Key]:
    """Look at all Services when a node's labels change, as one is its zone."""
    if changed.old and changed.new and labels_of(changed.old) == labels_of(changed.new):
        return
    for service in objects.list_("services"):
        yield Key("services", namespace_of(service), name_of(service))


CONTROLLER: Final = Controller(
    name="endpointslice",
    watches={
        "services": service_itself,
        "endpointslices": service_of_slice,
        "pods": services_of_pod,
        "nodes": _services_of_node,
    },
    step=sync,
)


def _nodes_of(objects: Objects, pods: Iterable[Object]) -> dict[str, Object]:
    names = {spec_of(pod).get("nodeName", "") for pod in pods}
    found = {name: objects.get(Key("nodes", "", name)) for name in names}
    return {name: node for name, node in found.items() if node is not None}


def _groups(
    service: Object, pods: Sequence[Object], nodes: Mapping[str, Object], family: str
) -> dict[Group, list[Object]]:
    groups: dict[Group, list[Object]] = {}
    for pod in pods:
        address = backends.address_of(pod, family)
        if address is None or not backends.is_backend(pod):
            continue
        group = (family, backends.resolve_ports(service, pod))
        groups.setdefault(group, []).append(_endpoint(service, pod, address, nodes))
    return groups


def _endpoint(service: Object, pod: Object, address: str, nodes: Mapping[str, Object]) -> Object:
    node = spec_of(pod).get("nodeName", "")
    zone = labels_of(nodes[node]).get(_ZONE) if node in nodes else None
    hostname = backends.hostname_of(service, pod)
    endpoint: Object = {
        "addresses": [address],
        "conditions": {
            "ready": backends.is_ready(service, pod),
            "serving": backends.is_serving(pod),
            "terminating": is_terminating(pod),
        },
        **({"hostname": hostname} if hostname else {}),
        "nodeName": node,
        "targetRef": backends.target_reference(pod),
        **({"zone": zone} if zone else {}),
    }
    return with_hints(service, endpoint)


def _labels(service: Object) -> dict[str, str]:
    headless = {_HEADLESS: ""} if spec_of(service).get("clusterIP") == "None" else {}
    return {
        **backends.kept_labels(service),
        **headless,
        SERVICE_NAME: name_of(service),
        MANAGED_BY: CONTROLLER_NAME,
    }
