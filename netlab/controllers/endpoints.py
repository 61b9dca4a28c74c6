"""Hold the pods behind each Service in an Endpoints object, the older form of EndpointSlices.

Source: Kubernetes, ``pkg/controller/endpoint/endpoints_controller.go``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from netlab.apiserver.changes import Change, Create, Delete, Outcome, update_if_changed
from netlab.controllers.controller import Controller, Objects
from netlab.controllers.endpointslice import backends
from netlab.controllers.endpointslice.controller import service_itself, services_of_pod
from netlab.kube.objects import (
    Key,
    Object,
    is_terminating,
    labels_of,
    metadata_of,
    name_of,
    namespace_of,
    spec_of,
)
from netlab.kube.resources import key_of
from netlab.model.addresses import address_key

if TYPE_CHECKING:
    from netlab.controllers.endpointslice.backends import Ports

MAX_ADDRESSES: Final = 1000
MANAGED_BY: Final = "endpoints.kubernetes.io/managed-by"
CONTROLLER_NAME: Final = "endpoint-controller"
OVER_CAPACITY: Final = "endpoints.kubernetes.io/over-capacity"

_HEADLESS: Final = "service.kubernetes.io/headless"
_KEPT: Final = ("uid", "creationTimestamp", "resourceVersion")


def step(
    service: Object | None, pods: Sequence[Object], present: Object | None
) -> tuple[Change, ...]:
    """Return what makes a Service's Endpoints tell of its pods.

    They hold one family, the Service's first, leave out pods that are terminating, and end after
    1,000 addresses. A Service without a selector is left alone.

    Args:
        service: As stored, or None when it is gone.
        pods: Those its selector picks.
        present: The Endpoints of the Service's name, or None.
    """
    if service is None:
        return _without_service(present)
    spec = spec_of(service)
    if not spec.get("selector") or spec.get("type") == "ExternalName":
        return ()
    family = (spec.get("ipFamilies") or ["IPv4"])[0]
    listed = [pod for pod in pods if _is_listed(service, pod, family)]
    subsets = _subsets(service, listed[:MAX_ADDRESSES], family)
    headless = {_HEADLESS: ""} if spec.get("clusterIP") == "None" else {}
    over = {OVER_CAPACITY: "truncated"} if len(listed) > MAX_ADDRESSES else {}
    labels = {
        **labels_of(service),
        **headless,
        MANAGED_BY: CONTROLLER_NAME,
    }
    metadata = {
        "name": name_of(service),
        "namespace": namespace_of(service),
        "labels": labels,
        **({"annotations": over} if over else {}),
    }
    wanted: Object = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
    if subsets:
        wanted["subsets"] = subsets
    if present is None:
        return (Create(object=wanted),)
    kept = {field: metadata_of(present)[field] for field in _KEPT}
    return update_if_changed(present, {**wanted, "metadata": {**metadata, **kept}})


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the Service at ``key``."""
    del now
    service = objects.get(key)
    if service is not None and is_terminating(service):
        return Outcome()
    selector = spec_of(service).get("selector") or {} if service is not None else {}
    pods = objects.select("pods", key.namespace, selector)
    return Outcome(
        changes=step(service, pods, objects.get(Key("endpoints", key.namespace, key.name)))
    )


CONTROLLER: Final = Controller(
    name="endpoint",
    watches={"services": service_itself, "endpoints": service_itself, "pods": services_of_pod},
    step=sync,
)


def _without_service(present: Object | None) -> tuple[Change, ...]:
    if present is None or labels_of(present).get(MANAGED_BY) != CONTROLLER_NAME:
        return ()
    return (Delete(key=key_of(present)),)


def _is_listed(service: Object, pod: Object, family: str) -> bool:
    if not backends.is_backend(pod) or backends.address_of(pod, family) is None:
        return False
    return not is_terminating(pod) or bool(spec_of(service).get("publishNotReadyAddresses"))


def _subsets(service: Object, pods: Sequence[Object], family: str) -> list[Object]:
    """Return one subset for each set of ports, its addresses in order."""
    groups: dict[Ports, Object] = {}
    for pod in pods:
        ports = backends.resolve_ports(service, pod)
        subset = groups.setdefault(ports, {})
        ready = backends.is_ready(service, pod)
        field = "addresses" if ready else "notReadyAddresses"
        subset.setdefault(field, []).append(_address(service, pod, family))
    for ports, subset in groups.items():
        for addresses in subset.values():
            addresses.sort(key=lambda entry: address_key(entry["ip"]))
        if ports:
            subset["ports"] = [_port(*port) for port in ports]
    return [groups[ports] for ports in sorted(groups)]


def _address(service: Object, pod: Object, family: str) -> Object:
    hostname = backends.hostname_of(service, pod)
    return {
        "ip": backends.address_of(pod, family),
        **({"hostname": hostname} if hostname else {}),
        "nodeName": spec_of(pod).get("nodeName", ""),
        "targetRef": backends.target_reference(pod),
    }


def _port(name: str, protocol: str, number: int, app_protocol: str) -> Object:
    port: Object = {"name": name} if name else {}
    port |= {"port": number, "protocol": protocol}
    return port | ({"appProtocol": app_protocol} if app_protocol else {})
