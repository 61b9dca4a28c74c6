"""ReplicaSet: its words, columns and defaults.

Source: Kubernetes, ``pkg/apis/apps/v1/defaults.go``.
"""

from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report
from netlab.kube.field_checks import check_counts
from netlab.kube.kinds.columns import AGE, CONTAINERS, NAME, SELECTOR, in_spec, in_status, number
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import ClusterContext, Kind, immutable
from netlab.kube.kinds.pod.defaults import template_with_defaults
from netlab.kube.kinds.pod.validation import check_replicated
from netlab.kube.objects import Object, metadata_of, spec_of
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, context: ClusterContext) -> None:
    if isinstance(obj.get("spec"), dict):
        check_replicated(mapping(obj["spec"]), (*path, "spec"), report, context.nodes)
    else:
        report.add((*path, "spec"), "Required value")


def _validate_status(obj: Object, report: Report) -> None:
    counts = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    others = ("replicas", "observedGeneration")
    check_counts(mapping(obj.get("status")), (*others, *counts), report, within=counts)


def _with_defaults(obj: Object) -> Object:
    spec = filled(spec_of(obj), {"replicas": 1})
    spec = {**spec, "template": template_with_defaults(spec)}
    if not spec.get("selector"):
        spec["selector"] = {"matchLabels": metadata_of(spec["template"]).get("labels", {})}
    return {**obj, "spec": spec, "status": obj.get("status") or {"replicas": 0}}


KIND: Final = Kind(
    resource=Resource(
        kind="ReplicaSet",
        plural="replicasets",
        group="apps",
        short_names=("rs",),
        categories=("all",),
        subresources=("scale", "status"),
        has_generation=True,
    ),
    columns=(
        NAME,
        number("Desired", in_spec("replicas")),
        number("Current", in_status("replicas")),
        number("Ready", in_status("readyReplicas")),
        AGE,
        *CONTAINERS,
        SELECTOR,
    ),
    validate=_validate,
    validate_status=_validate_status,
    with_defaults=_with_defaults,
    forbidden_changes=immutable("spec", "selector"),
)
