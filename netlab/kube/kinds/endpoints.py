"""Endpoints: its words, columns and defaults."""

from typing import Final

from netlab.documents.problems import FieldPath, Report
from netlab.kube.kinds.columns import AGE, NAME, column, shortened
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.kinds.service.endpoint_validation import check_endpoints
from netlab.kube.objects import Object, items_of
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    check_endpoints(obj, path, report)


def _with_defaults(obj: Object) -> Object:
    if not obj.get("subsets"):
        return obj
    subsets = [
        {**subset, "ports": [filled(port, {"protocol": "TCP"}) for port in subset["ports"]]}
        if subset.get("ports")
        else subset
        for subset in obj["subsets"]
    ]
    return {**obj, "subsets": subsets}


def _endpoints(obj: Object) -> str:
    found = []
    for subset in items_of(obj, "subsets"):
        ports: list[Object] = items_of(subset, "ports") or [{}]
        for port in ports:
            found += [_endpoint(entry["ip"], port) for entry in items_of(subset, "addresses")]
    return shortened(found)


def _endpoint(address: str, port: Object) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port['port']}" if port else address


KIND: Final = Kind(
    resource=Resource(kind="Endpoints", plural="endpoints", short_names=("ep",)),
    columns=(NAME, column("Endpoints", _endpoints), AGE),
    validate=_validate,
    with_defaults=_with_defaults,
)
