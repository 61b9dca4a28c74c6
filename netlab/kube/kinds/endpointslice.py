"""EndpointSlice: its words, columns and defaults."""

from typing import Final

from netlab.documents.problems import FieldPath, Report
from netlab.kube.kinds.columns import AGE, NAME, UNSET, column, shortened
from netlab.kube.kinds.kind import ClusterContext, Kind, immutable
from netlab.kube.kinds.service.endpoint_validation import check_endpoint_slice
from netlab.kube.objects import Object, items_of
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    check_endpoint_slice(obj, path, report)


def _with_defaults(obj: Object) -> Object:
    ports = [_port(port) for port in items_of(obj, "ports")]
    return {**obj, "ports": ports, "endpoints": items_of(obj, "endpoints")}


def _port(port: Object) -> Object:
    # Clients follow the name as a pointer, so it is there even when it is empty.
    return {**port, "name": port.get("name") or "", "protocol": port.get("protocol") or "TCP"}


def _ports(obj: Object) -> str:
    ports = [str(port.get("port", "*")) for port in items_of(obj, "ports")]
    return shortened(ports) if ports else UNSET


def _endpoints(obj: Object) -> str:
    addresses = [
        address for endpoint in items_of(obj, "endpoints") for address in endpoint["addresses"]
    ]
    return shortened(addresses) if addresses else UNSET


KIND: Final = Kind(
    resource=Resource(kind="EndpointSlice", plural="endpointslices", group="discovery.k8s.io"),
    columns=(
        NAME,
        column("AddressType", lambda obj: str(obj.get("addressType", ""))),
        column("Ports", _ports),
        column("Endpoints", _endpoints),
        AGE,
    ),
    validate=_validate,
    with_defaults=_with_defaults,
    forbidden_changes=immutable("addressType"),
)
