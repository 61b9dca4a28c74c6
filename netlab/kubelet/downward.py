"""The downward API: what a pod may be told of itself, by environment and volume.

Source: Kubernetes, ``pkg/fieldpath``, ``pkg/kubelet/kubelet_pods.go``.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from netlab.kube.objects import (
    Object,
    annotations_of,
    items_of,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from netlab.kube.quantity import parse_quantity
from netlab.kubelet.sources import CreateContainerConfigError

_KEYED: Final = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]\Z", re.DOTALL)
_ONE: Final = Decimal(1)


def field_value(pod: Object, path: str, host_ip: str) -> str:
    """Return what ``fieldPath`` means.

    Args:
        pod: The pod.
        path: Such as ``status.podIP`` or ``metadata.labels['app']``.
        host_ip: Its node's address.

    Raises:
        CreateContainerConfigError: There is no such field.
    """
    keyed = _KEYED.match(path)
    if keyed:
        found = labels_of(pod) if keyed[1] == "labels" else annotations_of(pod)
        return found.get(keyed[2], "")
    ips = [one["ip"] for one in items_of(status_of(pod), "podIPs")]
    simple = {
        "metadata.name": name_of(pod),
        "metadata.namespace": namespace_of(pod),
        "metadata.uid": uid_of(pod),
        "metadata.labels": _listed(labels_of(pod)),
        "metadata.annotations": _listed(annotations_of(pod)),
        "spec.nodeName": str(spec_of(pod).get("nodeName") or ""),
        "spec.serviceAccountName": str(spec_of(pod).get("serviceAccountName") or "default"),
        "status.hostIP": host_ip,
        "status.hostIPs": host_ip,
        "status.podIP": ips[0] if ips else "",
        "status.podIPs": ",".join(ips),
    }
    if path not in simple:
        raise CreateContainerConfigError(f"unsupported fieldPath: {path}")
    return simple[path]


def resource_value(pod: Object, reference: Mapping[str, Any], own: str, node: Object) -> str:
    """Return what ``resourceFieldRef`` means: whole units of a limit or a request.

    Args:
        pod: The pod.
        reference: ``resource``, and perhaps ``containerName`` and ``divisor``.
        own: The container that asks.
        node: Its ``status.allocatable`` stands for a limit that is not set.

    Raises:
        CreateContainerConfigError: There is no such container or resource.
    """
    name = reference.get("containerName") or own
    both = [*items_of(spec_of(pod), "containers"), *items_of(spec_of(pod), "initContainers")]
    container = next((one for one in both if one["name"] == name), None)
    kind, _, resource = str(reference.get("resource", "")).partition(".")
    if container is None or kind not in {"limits", "requests"}:
        raise CreateContainerConfigError(f"unsupported container resource: {reference}")
    found = container.get("resources") or {}
    amount = (found.get(kind) or {}).get(resource)
    if amount is None and kind == "limits":
        amount = (status_of(node).get("allocatable") or {}).get(resource)
    number = parse_quantity(amount) or Decimal(0)
    divisor = parse_quantity(reference.get("divisor") or "1") or _ONE
    return str(int((number / (divisor or _ONE)).to_integral_value(ROUND_CEILING)))


def _listed(values: Mapping[str, str]) -> str:
    return "\n".join(f'{key}="{_escaped(value)}"' for key, value in sorted(values.items()))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
