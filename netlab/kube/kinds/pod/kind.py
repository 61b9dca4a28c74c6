"""Pod: its words, and what may not change once it is made.

Source: Kubernetes, ``pkg/registry/core/pod``, ``pkg/apis/core/validation``.
"""

from collections.abc import Iterator
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report
from netlab.kube.field_error import Cause, forbidden_value
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.kinds.pod.columns import COLUMNS
from netlab.kube.kinds.pod.defaults import with_defaults
from netlab.kube.kinds.pod.validation import check_pod_spec
from netlab.kube.objects import Object, items_of, spec_of
from netlab.kube.resource import Resource

_POD_UPDATES: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def _validate(pod: Object, path: FieldPath, report: Report, context: ClusterContext) -> None:
    check_pod_spec(mapping(pod.get("spec")), (*path, "spec"), report, context.nodes)


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    if _fixed_part(spec_of(old)) != _fixed_part(spec_of(new)) or not _only_added(old, new):
        yield forbidden_value("spec", _POD_UPDATES)


def _fixed_part(spec: Object) -> Object:
    free = {"activeDeadlineSeconds", "tolerations", "containers", "initContainers"}
    fixed = {field: value for field, value in spec.items() if field not in free}
    for field in ("containers", "initContainers"):
        fixed[field] = [
            {name: value for name, value in container.items() if name != "image"}
            for container in items_of(spec, field)
        ]
    return fixed


def _only_added(old: Object, new: Object) -> bool:
    after = items_of(spec_of(new), "tolerations")
    return all(one in after for one in items_of(spec_of(old), "tolerations"))


KIND: Final = Kind(
    resource=Resource(
        kind="Pod",
        plural="pods",
        short_names=("po",),
        categories=("all",),
        subresources=(
            "attach",
            "binding",
            "ephemeralcontainers",
            "eviction",
            "exec",
            "log",
            "portforward",
            "status",
        ),
        returns_deleted=True,
    ),
    columns=COLUMNS,
    validate=_validate,
    with_defaults=with_defaults,
    forbidden_changes=_forbidden_changes,
)
