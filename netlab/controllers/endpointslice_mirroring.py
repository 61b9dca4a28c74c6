"""Repeat Endpoints that were written by hand as EndpointSlices, which is all that proxies read.

Source: Kubernetes, ``pkg/controller/endpointslicemirroring``.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from netlab.apiserver.changes import Change, Delete
from netlab.controllers.endpointslice.backends import Ports, kept_labels
from netlab.controllers.endpointslice.slices import MANAGED_BY, SERVICE_NAME, Group, Origin, pack
from netlab.kube.objects import Object, items_of, labels_of, name_of, spec_of
from netlab.kube.resources import key_of

CONTROLLER: Final = "endpointslicemirroring-controller.k8s.io"
SKIP: Final = "endpointslice.kubernetes.io/skip-mirror"


def step(
    endpoints: Object | None, service: Object | None, present: Sequence[Object]
) -> list[Change]:
    """Return what makes the mirror of some Endpoints true.

    Only Endpoints of a Service that has no selector are mirrored, unless they say ``skip-mirror``.

    Args:
        endpoints: The Endpoints, or None when they are gone.
        service: The Service of the same name, or None.
        present: Slices labelled with that name, of whatever maker.
    """
    mine = [one for one in present if labels_of(one).get(MANAGED_BY) == CONTROLLER]
    if endpoints is None or not _is_mirrored(endpoints, service):
        return [Delete(key=key_of(one)) for one in mine]
    labels = {
        **kept_labels(endpoints),
        SERVICE_NAME: name_of(endpoints),
        MANAGED_BY: CONTROLLER,
    }
    return pack(Origin(owner=endpoints, labels=labels), _groups(endpoints), mine)


def _is_mirrored(endpoints: Object, service: Object | None) -> bool:
    if service is None or spec_of(service).get("selector"):
        return False
    return labels_of(endpoints).get(SKIP) != "true"


def _groups(endpoints: Object) -> dict[Group, list[Object]]:
    groups: dict[Group, list[Object]] = {}
    for subset in items_of(endpoints, "subsets"):
        ports = _ports(subset)
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            for entry in items_of(subset, field):
                family = f"IPv{ip_address(entry['ip']).version}"
                endpoint = _endpoint(entry, ready=ready)
                groups.setdefault((family, ports), []).append(endpoint)
    return groups


def _ports(subset: Object) -> Ports:
    return tuple(
        (
            port.get("name", ""),
            port.get("protocol", "TCP"),
            port["port"],
            port.get("appProtocol", ""),
        )
        for port in items_of(subset, "ports")
    )


def _endpoint(entry: Object, *, ready: bool) -> Object:
    kept = {name: text for name, text in entry.items() if name in _KEPT}
    return {"addresses": [entry["ip"]], "conditions": {"ready": ready}, **kept}


_KEPT: Final = frozenset({"hostname", "nodeName", "targetRef"})
