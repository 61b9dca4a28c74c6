"""Repeat Endpoints that were written by hand as EndpointSlices, which is all that proxies read.

Source: Kubernetes, ``pkg/controller/endpointslicemirroring``.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from netlab.apiserver.changes import Change, Delete, Outcome
from netlab.controllers.controller import Changed, Controller, Objects
from netlab.controllers.endpointslice.backends import Ports, kept_labels
from netlab.controllers.endpointslice.slices import MANAGED_BY, SERVICE_NAME, Group, Origin, pack
from netlab.kube.objects import Key, Object, items_of, labels_of, name_of, spec_of
from netlab.kube.resources import key_of
from netlab.model.addresses import family_of, parse_ip

CONTROLLER_NAME: Final = "endpointslicemirroring-controller.k8s.io"
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
    mine = [one for one in present if labels_of(one).get(MANAGED_BY) == CONTROLLER_NAME]
    if endpoints is None or not _is_mirrored(endpoints, service):
        return [Delete(key=key_of(one)) for one in mine]
    labels = {
        **kept_labels(endpoints),
        SERVICE_NAME: name_of(endpoints),
        MANAGED_BY: CONTROLLER_NAME,
    }
    return pack(Origin(owner=endpoints, labels=labels), _groups(endpoints), mine)


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the Endpoints at ``key``."""
    del now
    service = objects.get(Key("services", key.namespace, key.name))
    slices = objects.select("endpointslices", key.namespace, {SERVICE_NAME: key.name})
    return Outcome(changes=step(objects.get(key), service, slices))


def _endpoints_of_service(objects: Objects, changed: Changed) -> Iterator[Key]:
    del objects
    yield Key("endpoints", changed.key.namespace, changed.key.name)


def _endpoints_of_slice(objects: Objects, changed: Changed) -> Iterator[Key]:
    del objects
    for state in changed.states:
        name = labels_of(state).get(SERVICE_NAME)
        if name:
            yield Key("endpoints", changed.key.namespace, name)


CONTROLLER: Final = Controller(
    name="endpointslice-mirroring",
    watches={
        "endpoints": _endpoints_of_service,
        "services": _endpoints_of_service,
        "endpointslices": _endpoints_of_slice,
    },
    step=sync,
)


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
                address = parse_ip(entry.get("ip"))
                if address is not None:
                    endpoint = _endpoint(entry, ready=ready)
                    groups.setdefault((family_of(address), ports), []).append(endpoint)
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
