"""ServiceCIDR: where a cluster takes ClusterIPs from.

Source: Kubernetes API reference, ServiceCIDR networking.k8s.io/v1.
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import Schema, StructureCheck, entries, mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.kinds.columns import AGE, NAME, column
from netlab.kube.kinds.kind import ClusterContext, Kind, immutable
from netlab.kube.metadata import check_metadata
from netlab.kube.objects import Object, spec_of
from netlab.kube.resource import Resource
from netlab.kube.schema import definitions
from netlab.model.addresses import parse_cidr, parse_ip

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
    _check_cidrs(manifest, ("spec", "cidrs"), report)


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    _check_cidrs(obj, (*path, "spec", "cidrs"), report)


def _check_cidrs(obj: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with the networks: one, or one of each family.

    Source: Kubernetes, ``pkg/apis/networking/validation`` (ValidateServiceCIDR).
    """
    cidrs = entries(mapping(obj.get("spec")).get("cidrs"))
    if not cidrs:
        report.add(path, "Required value: at least one CIDR required")
    if len(cidrs) > 2:
        report.add(path, invalid(cidrs, "may only hold up to 2 values"))
    networks = []
    for index, text in enumerate(cidrs):
        network = parse_cidr(text)
        if network is None:
            why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            report.add((*path, index), invalid(text, why))
        elif network.network_address != parse_ip(str(text).partition("/")[0]):
            why = "must not have bits set beyond the prefix length"
            report.add((*path, index), invalid(text, why))
        else:
            networks.append(network)
    if len(networks) == 2 and networks[0].version == networks[1].version:
        why = (
            "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and "
            "2001:db8::/64"
        )
        report.add(path, invalid(cidrs, why))


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
