"""Service: its words, its columns, and what may not change.

Source: Kubernetes, ``pkg/registry/core/service``, ``pkg/apis/core/validation``.
"""

from collections.abc import Iterator
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report
from netlab.kube.field_error import Cause, invalid_value
from netlab.kube.kinds.columns import AGE, NAME, NONE, column, in_spec, pairs
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.kinds.service.addresses import check_service_status
from netlab.kube.kinds.service.defaults import with_defaults
from netlab.kube.kinds.service.load_balancer import external_ips
from netlab.kube.kinds.service.prepare_for_update import prepare_for_update
from netlab.kube.kinds.service.validation import check_service
from netlab.kube.names import wrong_service_name
from netlab.kube.objects import Object, items_of, spec_of
from netlab.kube.resource import Resource


def _validate(service: Object, path: FieldPath, report: Report, context: ClusterContext) -> None:
    check_service(mapping(service.get("spec")), (*path, "spec"), report, context.services)


def _validate_status(service: Object, report: Report) -> None:
    check_service_status(service, report)


_SET_ONCE: Final = "may not change once set"


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    before, after = spec_of(old), spec_of(new)
    if "ExternalName" in {before.get("type"), after.get("type")}:
        return
    for field in ("clusterIPs", "ipFamilies"):
        had, has = before.get(field) or [], after.get(field) or []
        if had and (not has or had[0] != has[0]):
            yield invalid_value(f"spec.{field}[0]", has, _SET_ONCE)
    had, has = before.get("loadBalancerClass"), after.get("loadBalancerClass")
    if had != has and before.get("type") == after.get("type") == "LoadBalancer":
        yield invalid_value("spec.loadBalancerClass", has, _SET_ONCE)


def _external_ip(service: Object) -> str:
    spec = spec_of(service)
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    return ",".join(external_ips(service)) or NONE


def _ports(service: Object) -> str:
    ports = []
    for port in items_of(spec_of(service), "ports"):
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        ports.append(f"{port['port']}{node_port}/{port.get('protocol', 'TCP')}")
    return ",".join(ports) or NONE


KIND: Final = Kind(
    resource=Resource(
        kind="Service",
        plural="services",
        short_names=("svc",),
        categories=("all",),
        subresources=("proxy", "status"),
        returns_deleted=True,
    ),
    columns=(
        NAME,
        column("Type", in_spec("type")),
        column("Cluster-IP", in_spec("clusterIP")),
        column("External-IP", _external_ip),
        column("Port(s)", _ports),
        AGE,
        column("Selector", lambda one: pairs(spec_of(one).get("selector")), is_wide=True),
    ),
    wrong_name=wrong_service_name,
    validate=_validate,
    validate_status=_validate_status,
    prepare_for_update=prepare_for_update,
    with_defaults=with_defaults,
    forbidden_changes=_forbidden_changes,
)
