"""IngressClass: stored; no lab has an Ingress controller.

Source: Kubernetes, ``pkg/apis/networking/validation`` (ValidateIngressClass).
"""

from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report
from netlab.kube.field_checks import check_reference, check_required, check_text
from netlab.kube.kinds.columns import AGE, NAME, NONE, column, in_spec
from netlab.kube.kinds.kind import ClusterContext, Kind, immutable
from netlab.kube.metadata import check_choice, text_of
from netlab.kube.names import wrong_dns_label, wrong_domain_prefixed_path
from netlab.kube.objects import Object, spec_of
from netlab.kube.resource import Resource

_LONGEST: Final = 250


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    spec, inside = mapping(obj.get("spec")), (*path, "spec")
    if check_required(spec, "controller", inside, report):
        if len(text_of(spec, "controller")) > _LONGEST:
            why = f"Too long: may not be more than {_LONGEST} bytes"
            report.add((*inside, "controller"), why)
        wrong = wrong_domain_prefixed_path
        check_text(spec["controller"], wrong, (*inside, "controller"), report)
    if spec.get("parameters") is not None:
        _check_parameters(mapping(spec["parameters"]), (*inside, "parameters"), report)


def _check_parameters(fields: Object, path: FieldPath, report: Report) -> None:
    check_reference(fields, path, report)
    if not check_required(fields, "scope", path, report):
        return
    check_choice(fields["scope"], ("Cluster", "Namespace"), (*path, "scope"), report)
    has_namespace = fields.get("namespace") is not None
    why = f"`parameters.scope` is set to '{fields['scope']}'"
    if fields["scope"] == "Namespace" and not has_namespace:
        report.add((*path, "namespace"), f"Required value: {why}")
    if fields["scope"] == "Cluster" and has_namespace:
        report.add((*path, "namespace"), f"Forbidden: {why}")
    check_text(fields.get("namespace"), wrong_dns_label, (*path, "namespace"), report)


def _parameters(obj: Object) -> str:
    found = spec_of(obj).get("parameters")
    if not found:
        return NONE
    group = f".{found['apiGroup']}" if found.get("apiGroup") else ""
    return f"{found.get('kind', '')}{group}/{found.get('name', '')}"


KIND: Final = Kind(
    resource=Resource(
        kind="IngressClass",
        plural="ingressclasses",
        group="networking.k8s.io",
        namespaced=False,
        has_generation=True,
    ),
    columns=(
        NAME,
        column("Controller", in_spec("controller", "")),
        column("Parameters", _parameters),
        AGE,
    ),
    validate=_validate,
    forbidden_changes=immutable("spec", "controller"),
    is_only_stored=True,
)
