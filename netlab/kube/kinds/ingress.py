"""Ingress: stored; no lab has an Ingress controller.

Source: Kubernetes, ``pkg/apis/networking/validation`` (ValidateIngress).
"""

from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_reference, check_required, check_text
from netlab.kube.kinds.columns import AGE, NAME, NONE, column, in_spec
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.metadata import check_choice, check_port, text_of
from netlab.kube.metadata import items_of as entries_of
from netlab.kube.names import (
    wrong_dns_label,
    wrong_dns_subdomain,
    wrong_port_name,
    wrong_wildcard_host,
)
from netlab.kube.objects import Object, items_of, spec_of, status_of
from netlab.kube.resource import Resource
from netlab.kube.status_checks import check_load_balancer
from netlab.model.addresses import parse_ip

_CLASS: Final = "kubernetes.io/ingress.class"
_PATH_TYPES: Final = ("Exact", "ImplementationSpecific", "Prefix")
_NOT_IN_PATHS: Final = ("//", "/./", "/../", "%2f", "%2F")
_NOT_AT_END: Final = ("/..", "/.")


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    spec, inside = mapping(obj.get("spec")), (*path, "spec")
    if not spec.get("rules") and not spec.get("defaultBackend"):
        why = "either `defaultBackend` or `rules` must be specified"
        report.add(inside, invalid(spec.get("rules") or [], why))
    if spec.get("defaultBackend"):
        backend = mapping(spec["defaultBackend"])
        _check_backend(backend, (*inside, "defaultBackend"), report)
    for at, rule in entries_of(spec, "rules", inside):
        _check_rule(rule, at, report)
    for at, tls in entries_of(spec, "tls", inside):
        for index, host in enumerate(entries(tls.get("hosts"))):
            check_text(host, wrong_wildcard_host, (*at, "hosts", index), report)
        check_text(tls.get("secretName"), wrong_dns_subdomain, (*at, "secretName"), report)
    name = spec.get("ingressClassName")
    check_text(name, wrong_dns_subdomain, (*inside, "ingressClassName"), report)
    old = mapping(mapping(obj.get("metadata")).get("annotations")).get(_CLASS)
    if old is not None and name is not None and old != name:
        why = "must match `ingressClassName` when both are specified"
        report.add((*path, "annotations", _CLASS), invalid(old, why))


def _check_rule(rule: Object, path: FieldPath, report: Report) -> None:
    host = text_of(rule, "host")
    if parse_ip(host) is not None:
        report.add((*path, "host"), invalid(host, "must be a DNS name, not an IP address"))
    check_text(host, wrong_wildcard_host, (*path, "host"), report)
    if rule.get("http") is not None:
        http, inside = mapping(rule["http"]), (*path, "http")
        check_required(http, "paths", inside, report)
        for at, one in entries_of(http, "paths", inside):
            _check_path(one, at, report)


def _check_path(one: Object, path: FieldPath, report: Report) -> None:
    text, kind = text_of(one, "path"), text_of(one, "pathType")
    if not kind:
        report.add((*path, "pathType"), "Required value: pathType must be specified")
        return
    check_choice(kind, _PATH_TYPES, (*path, "pathType"), report)
    if not text.startswith("/") and (text or kind != "ImplementationSpecific"):
        report.add((*path, "path"), invalid(text, "must be an absolute path"))
    if kind != "ImplementationSpecific":
        for part in _NOT_IN_PATHS:
            if part in text:
                report.add((*path, "path"), invalid(text, f"must not contain '{part}'"))
        for part in _NOT_AT_END:
            if text.endswith(part):
                report.add((*path, "path"), invalid(text, f"cannot end with '{part}'"))
    _check_backend(mapping(one.get("backend")), (*path, "backend"), report)


def _check_backend(backend: Object, path: FieldPath, report: Report) -> None:
    service, resource = backend.get("service"), backend.get("resource")
    if resource is not None and service is not None:
        report.add(path, invalid("", "cannot set both resource and service backends"))
    elif resource is not None:
        check_reference(mapping(resource), (*path, "resource"), report)
    elif service is not None:
        _check_service(mapping(service), path, report)
    else:
        report.add(path, invalid("", "resource or service backend is required"))


def _check_service(service: Object, path: FieldPath, report: Report) -> None:
    inside = (*path, "service")
    if check_required(service, "name", inside, report):
        check_text(service["name"], wrong_dns_label, (*inside, "name"), report)
    port = mapping(service.get("port"))
    name, number = port.get("name"), port.get("number")
    if name and number:
        report.add(path, invalid("", "cannot set both port name & port number"))
    elif not name and not number:
        report.add(path, "Required value: port name or number is required")
    check_text(name, wrong_port_name, (*inside, "port", "name"), report)
    check_port(number or None, (*inside, "port", "number"), report)


def _validate_status(obj: Object, report: Report) -> None:
    check_load_balancer(mapping(obj.get("status")), report)


def _hosts(obj: Object) -> str:
    hosts = [rule["host"] for rule in items_of(spec_of(obj), "rules") if rule.get("host")]
    more = f" + {len(hosts) - 3} more..." if len(hosts) > 3 else ""
    return (",".join(hosts[:3]) + more) or "*"


def _address(obj: Object) -> str:
    ingress = items_of(status_of(obj).get("loadBalancer") or {}, "ingress")
    return ",".join(one.get("ip") or one.get("hostname", "") for one in ingress)


KIND: Final = Kind(
    resource=Resource(
        kind="Ingress",
        plural="ingresses",
        group="networking.k8s.io",
        short_names=("ing",),
        subresources=("status",),
        has_generation=True,
    ),
    columns=(
        NAME,
        column("Class", in_spec("ingressClassName", NONE)),
        column("Hosts", _hosts),
        column("Address", _address),
        column("Ports", lambda obj: "80, 443" if spec_of(obj).get("tls") else "80"),
        AGE,
    ),
    validate=_validate,
    validate_status=_validate_status,
    is_only_stored=True,
)
