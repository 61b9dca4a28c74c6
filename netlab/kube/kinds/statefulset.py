"""StatefulSet: its words, columns, defaults, and what may change.

Source: Kubernetes, ``pkg/apis/apps/v1/defaults.go``, ``pkg/apis/apps/validation``.
"""

from collections.abc import Iterator
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_at_least_0, check_counts, check_int_or_percent, is_zero
from netlab.kube.field_error import Cause, forbidden_value
from netlab.kube.kinds.columns import AGE, CONTAINERS, NAME, column
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.kinds.persistentvolumeclaim import check_claim
from netlab.kube.kinds.pod.defaults import template_with_defaults
from netlab.kube.kinds.pod.validation import check_replicated
from netlab.kube.metadata import check_choice, text_of
from netlab.kube.objects import Object, spec_of, status_of, with_spec
from netlab.kube.resource import Resource

_RETENTION: Final = "persistentVolumeClaimRetentionPolicy"
_FREE: Final = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_UPDATES: Final = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden"
)


def _validate(obj: Object, path: FieldPath, report: Report, context: ClusterContext) -> None:
    if isinstance(obj.get("spec"), dict):
        spec = _with_claimed_volumes(mapping(obj["spec"]))
        check_replicated(spec, (*path, "spec"), report, context.nodes)
        _check_updates(spec, (*path, "spec"), report)


def _validate_status(obj: Object, report: Report) -> None:
    counts = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
    others = ("replicas", "observedGeneration", "collisionCount")
    check_counts(mapping(obj.get("status")), (*others, *counts), report, within=counts)


def _check_updates(spec: Object, path: FieldPath, report: Report) -> None:
    """Report how pods may not be made and replaced."""
    policies = ("OrderedReady", "Parallel")
    check_choice(spec.get("podManagementPolicy"), policies, (*path, "podManagementPolicy"), report)
    strategy, inside = mapping(spec.get("updateStrategy")), (*path, "updateStrategy")
    check_choice(strategy.get("type"), ("OnDelete", "RollingUpdate"), (*inside, "type"), report)
    rolling = mapping(strategy.get("rollingUpdate"))
    check_at_least_0(rolling, ("partition",), (*inside, "rollingUpdate"), report)
    if rolling and strategy.get("type") == "OnDelete":
        why = "only allowed for updateStrategy 'RollingUpdate'"
        report.add((*inside, "rollingUpdate"), invalid(rolling, why))
    unavailable = rolling.get("maxUnavailable")
    at = (*inside, "rollingUpdate", "maxUnavailable")
    check_int_or_percent(unavailable, at, report)
    if is_zero(unavailable):
        report.add(at, invalid(unavailable, "cannot be 0"))
    check_at_least_0(mapping(spec.get("ordinals")), ("start",), (*path, "ordinals"), report)
    retention, at = mapping(spec.get(_RETENTION)), (*path, _RETENTION)
    for field in ("whenDeleted", "whenScaled"):
        check_choice(retention.get(field), ("Delete", "Retain"), (*at, field), report)
    for index, claim in enumerate(entries(spec.get("volumeClaimTemplates"))):
        at = (*path, "volumeClaimTemplates", index, "spec")
        check_claim(mapping(mapping(claim).get("spec")), at, report)


def _with_claimed_volumes(spec: Object) -> Object:
    """Return a spec whose pods have the volumes that the controller adds, one a claim."""
    template = mapping(spec.get("template"))
    pod = mapping(template.get("spec"))
    names = [
        text_of(mapping(mapping(claim).get("metadata")), "name")
        for claim in entries(spec.get("volumeClaimTemplates"))
    ]
    claimed = [{"name": one, "persistentVolumeClaim": {"claimName": one}} for one in names if one]
    if not claimed or not pod:
        return spec
    pod = {**pod, "volumes": [*entries(pod.get("volumes")), *claimed]}
    return {**spec, "template": {**template, "spec": pod}}


def _with_defaults(obj: Object) -> Object:
    spec = filled(
        spec_of(obj),
        {
            "replicas": 1,
            "podManagementPolicy": "OrderedReady",
            "revisionHistoryLimit": 10,
            "updateStrategy": {"type": "RollingUpdate"},
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain",
                "whenScaled": "Retain",
            },
        },
    )
    strategy = filled(spec["updateStrategy"], {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        rolling = filled(strategy.get("rollingUpdate") or {}, {"partition": 0})
        strategy = {**strategy, "rollingUpdate": rolling}
    spec = {**spec, "updateStrategy": strategy, "template": template_with_defaults(spec)}
    if spec.get("volumeClaimTemplates"):
        spec["volumeClaimTemplates"] = [_claim(one) for one in spec["volumeClaimTemplates"]]
    return {**obj, "spec": spec, "status": filled(status_of(obj), {"replicas": 0})}


def _claim(claim: Object) -> Object:
    named = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **claim}
    named = with_spec(named, **filled(spec_of(named), {"volumeMode": "Filesystem"}))
    return {**named, "status": claim.get("status") or {"phase": "Pending"}}


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    before, after = spec_of(old), spec_of(new)
    changed = [field for field in {*before, *after} if before.get(field) != after.get(field)]
    if any(field not in _FREE for field in changed):
        yield forbidden_value("spec", _UPDATES)


def _ready(obj: Object) -> str:
    return f"{status_of(obj).get('readyReplicas', 0)}/{spec_of(obj).get('replicas', 1)}"


KIND: Final = Kind(
    resource=Resource(
        kind="StatefulSet",
        plural="statefulsets",
        group="apps",
        short_names=("sts",),
        categories=("all",),
        subresources=("scale", "status"),
        has_generation=True,
    ),
    columns=(NAME, column("Ready", _ready), AGE, *CONTAINERS),
    validate=_validate,
    validate_status=_validate_status,
    with_defaults=_with_defaults,
    forbidden_changes=_forbidden_changes,
)
