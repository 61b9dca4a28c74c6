"""What both kinds of endpoint objects need to know of a pod behind a Service."""

from collections.abc import Mapping
from typing import Any

from netlab.kube.conditions import is_true
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import (
    Object,
    is_terminating,
    items_of,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from netlab.model.addresses import parse_ip

Ports = tuple[tuple[str, str, int, str], ...]
"""Name, protocol, number and appProtocol of each port, in the Service's order."""


def selects(service: Object, pod: Object) -> bool:
    """Return whether a Service's selector picks a pod; one without a selector picks none."""
    selector = spec_of(service).get("selector") or {}
    return bool(selector) and selector.items() <= labels_of(pod).items()


def address_of(pod: Object, family: str) -> str | None:
    """Return the pod's address of a family, ``IPv4`` or ``IPv6``, or None."""
    version = 6 if family == "IPv6" else 4
    for entry in items_of(status_of(pod), "podIPs"):
        address = parse_ip(entry.get("ip"))
        if address is not None and address.version == version:
            return str(address)
    return None


def is_backend(pod: Object) -> bool:
    """Return whether a selected pod can be an endpoint at all: it has an address and lives."""
    return bool(status_of(pod).get("podIP")) and not is_finished(pod)


def is_serving(pod: Object) -> bool:
    """Return whether the pod answers, terminating or not."""
    return is_true(pod, "Ready")


def is_ready(service: Object, pod: Object) -> bool:
    """Return whether new connections may go to the pod."""
    if spec_of(service).get("publishNotReadyAddresses"):
        return True
    return is_serving(pod) and not is_terminating(pod)


def resolve_ports(service: Object, pod: Object) -> Ports:
    """Return the pod's ports behind a Service's; one whose name the pod lacks is left out."""
    found = []
    for port in items_of(spec_of(service), "ports"):
        protocol = port.get("protocol", "TCP")
        number = _target(pod, port.get("targetPort") or port["port"], protocol)
        if number is not None:
            found.append((port.get("name", ""), protocol, number, port.get("appProtocol", "")))
    return tuple(found)


def target_reference(pod: Object) -> Object:
    """Return the reference from an endpoint to its pod."""
    return {
        "kind": "Pod",
        "namespace": namespace_of(pod),
        "name": name_of(pod),
        "uid": uid_of(pod),
    }


def hostname_of(service: Object, pod: Object) -> str:
    """Return the name under which a headless Service publishes the pod; empty if it does not."""
    spec = spec_of(pod)
    named = spec.get("hostname") and spec.get("subdomain") == name_of(service)
    return str(spec["hostname"]) if named else ""


def kept_labels(obj: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels that an endpoint object takes over from its Service."""
    return {
        label: text
        for label, text in labels_of(obj).items()
        if not label.startswith(("endpointslice.kubernetes.io/", "kubernetes.io/service-name"))
    }


def _target(pod: Object, target: int | str, protocol: str) -> int | None:
    if isinstance(target, int):
        return target
    # Sidecars count since Kubernetes 1.32, after the containers: k8s.io/endpointslice FindPort.
    spec = spec_of(pod)
    sidecars = [c for c in items_of(spec, "initContainers") if c.get("restartPolicy") == "Always"]
    ports = (
        port
        for container in (*items_of(spec, "containers"), *sidecars)
        for port in items_of(container, "ports")
    )
    return next(
        (
            int(port["containerPort"])
            for port in ports
            if port.get("name") == target and port.get("protocol", "TCP") == protocol
        ),
        None,
    )
