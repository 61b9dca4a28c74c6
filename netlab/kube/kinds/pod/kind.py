"""Pod: its words, and what may not change once it is made.

Source: Kubernetes, ``pkg/registry/core/pod``, ``pkg/apis/core/validation``.
"""

from collections.abc import Iterator
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_error import Cause, forbidden_value
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.kinds.pod.columns import COLUMNS
from netlab.kube.kinds.pod.defaults import with_defaults
from netlab.kube.kinds.pod.validation import check_pod_spec
from netlab.kube.metadata import check_address
from netlab.kube.metadata import items_of as items_of_list
from netlab.kube.objects import Object, items_of, spec_of
from netlab.kube.resource import Resource
from netlab.model.addresses import parse_ip

_POD_UPDATES: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def _validate(pod: Object, path: FieldPath, report: Report, context: ClusterContext) -> None:
    check_pod_spec(mapping(pod.get("spec")), (*path, "spec"), report, context.nodes)


def _validate_status(pod: Object, report: Report) -> None:
    """Report addresses that are none, or more than one of a family.

    Source: Kubernetes, ``pkg/apis/core/validation`` (validatePodIPs, validateHostIPs).
    """
    status = mapping(pod.get("status"))
    check_address(status.get("hostIP") or None, ("status", "hostIP"), report)
    check_address(status.get("podIP") or None, ("status", "podIP"), report)
    for field in ("podIPs", "hostIPs"):
        entries_ = list(items_of_list(status, field, ("status",)))
        for at, entry in entries_:
            check_address(entry.get("ip") or "", (*at, "ip"), report)
        found = [parse_ip(entry.get("ip")) for _, entry in entries_]
        versions = [address.version for address in found if address is not None]
        if len(versions) > len(set(versions)):
            why = "may specify no more than one IP for each IP family"
            report.add(("status", field), invalid([one.get("ip") for _, one in entries_], why))


def _forbidden_on_create(pod: Object) -> Iterator[Cause]:
    """Yield what is wrong with a new pod alone.

    Source: Kubernetes, ``pkg/apis/core/validation`` (ValidatePodCreate).
    """
    if items_of(spec_of(pod), "ephemeralContainers"):
        yield forbidden_value("spec.ephemeralContainers", "cannot be set on create")


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    fields = ("tolerations", "ephemeralContainers")
    may = all(_only_added(old, new, field) for field in fields)
    if _fixed_part(spec_of(old)) != _fixed_part(spec_of(new)) or not may:
        yield forbidden_value("spec", _POD_UPDATES)
    gates = [gate["name"] for gate in items_of(spec_of(old), "schedulingGates")]
    for index, gate in enumerate(items_of(spec_of(new), "schedulingGates")):
        if gate["name"] not in gates:
            why = f"only deletion is allowed, but found new scheduling gate '{gate['name']}'"
            yield forbidden_value(f"spec.schedulingGates[{index}].name", why)


def _fixed_part(spec: Object) -> Object:
    free = {
        "activeDeadlineSeconds",
        "tolerations",
        "containers",
        "initContainers",
        "ephemeralContainers",
        "schedulingGates",
    }
    fixed = {field: value for field, value in spec.items() if field not in free}
    for field in ("containers", "initContainers"):
        fixed[field] = [
            {name: value for name, value in container.items() if name != "image"}
            for container in items_of(spec, field)
        ]
    return fixed


def _only_added(old: Object, new: Object, field: str) -> bool:
    after = items_of(spec_of(new), field)
    return all(one in after for one in items_of(spec_of(old), field))


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
            "proxy",
            "status",
        ),
        returns_deleted=True,
    ),
    columns=COLUMNS,
    validate=_validate,
    validate_status=_validate_status,
    with_defaults=with_defaults,
    forbidden_on_create=_forbidden_on_create,
    forbidden_changes=_forbidden_changes,
)
