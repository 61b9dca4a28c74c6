"""ServiceCIDR: where a cluster takes ClusterIPs from.

Source: Kubernetes API reference, ServiceCIDR networking.k8s.io/v1.
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import Schema, StructureCheck, entries, mapping
from netlab.documents.problems import FieldPath, Report
from netlab.kube.kinds.columns import AGE, NAME, column
from netlab.kube.kinds.kind import ClusterContext, Kind, immutable
from netlab.kube.metadata import check_metadata
from netlab.kube.objects import Object, spec_of
from netlab.kube.proxy_configuration import check_network
from netlab.kube.resource import Resource
from netlab.kube.schema import definitions

_KIND: Final = "ServiceCIDR"
_VERSION: Final = "networking.k8s.io/v1"
_TEXT: Final[Schema] = {"type": "string"}
_CIDRS: Final[Schema] = {"type": "array", "items": _TEXT}
_SCHEMA: Final[Schema] = {
    "type": "object",
    "properties": {
        "apiVersion": _TEXT,
        "kind": _TEXT,
        "metadata": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
        "spec": {"type": "object", "properties": {"cidrs": _CIDRS}},
        "status": {"type": "object"},
    },
}


def check_service_cidr(manifest: Mapping[str, object], report: Report) -> None:
    """Report what is wrong with a ServiceCIDR."""
    version = manifest.get("apiVersion")
    if version != _VERSION:
        message = f'no matches for kind "{_KIND}" in version "{version}"'
        report.add(("apiVersion",), message, f"write {_VERSION}")
        return
    StructureCheck(report, definitions(), null_is_unset=True).check(manifest, _SCHEMA)
    check_metadata(manifest.get("metadata"), ("metadata",), report, namespaced=False)
    for index, network in enumerate(entries(mapping(manifest.get("spec")).get("cidrs"))):
        check_network(network, ("spec", "cidrs", index), report)


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    for index, network in enumerate(entries(mapping(obj.get("spec")).get("cidrs"))):
        check_network(network, (*path, "spec", "cidrs", index), report)


KIND: Final = Kind(
    resource=Resource(
        kind="ServiceCIDR",
        plural="servicecidrs",
        group="networking.k8s.io",
        namespaced=False,
        subresources=("status",),
    ),
    columns=(NAME, column("CIDRs", lambda obj: ",".join(spec_of(obj).get("cidrs") or ())), AGE),
    validate=_validate,
    forbidden_changes=immutable("spec", "cidrs"),
)
