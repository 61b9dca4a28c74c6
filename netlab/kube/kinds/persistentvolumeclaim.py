"""PersistentVolumeClaim: stored; a lab has no volumes that outlive a pod.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidatePersistentVolumeClaim).
"""

from collections.abc import Iterator
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report
from netlab.kube.field_checks import check_positive_quantity, check_reference, check_text
from netlab.kube.field_error import Cause, forbidden_value
from netlab.kube.kinds.columns import AGE, NAME, UNSET, column, in_spec, in_status
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.label_selector import check_label_selector
from netlab.kube.metadata import check_choice
from netlab.kube.names import wrong_dns_subdomain
from netlab.kube.objects import Object, spec_of, status_of
from netlab.kube.resource import Resource

_SHORT_MODES: Final = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}

_FREE: Final = ("resources", "volumeAttributesClassName", "volumeName")


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    check_claim(mapping(obj.get("spec")), (*path, "spec"), report)


def check_claim(spec: Object, path: FieldPath, report: Report) -> None:
    """Report what is wrong with the ``spec`` of a claim, or of a template of one."""
    modes = entries(spec.get("accessModes"))
    if not modes:
        why = "at least 1 access mode is required"
        report.add((*path, "accessModes"), f"Required value: {why}")
    for index, mode in enumerate(modes):
        check_choice(mode or "<none>", sorted(_SHORT_MODES), (*path, "accessModes", index), report)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        why = "may not use ReadWriteOncePod with other access modes"
        report.add((*path, "accessModes"), f"Forbidden: {why}")
    storage = mapping(mapping(spec.get("resources")).get("requests")).get("storage")
    inside = (*path, "resources", "storage")
    if storage is None:
        report.add(inside, "Required value")
    check_positive_quantity(storage, inside, report)
    check_label_selector(spec.get("selector"), (*path, "selector"), report)
    name = spec.get("storageClassName")
    check_text(name, wrong_dns_subdomain, (*path, "storageClassName"), report)
    check_choice(spec.get("volumeMode"), ("Block", "Filesystem"), (*path, "volumeMode"), report)
    for field in ("dataSource", "dataSourceRef"):
        if spec.get(field) is not None:
            check_reference(mapping(spec[field]), (*path, field), report)


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    before, after = spec_of(old), spec_of(new)
    fields = {*before, *after}.difference(_FREE)
    if any(before.get(field) != after.get(field) for field in fields):
        why = (
            "spec is immutable after creation except resources.requests and "
            "volumeAttributesClassName for bound claims"
        )
        yield forbidden_value("spec", why)


def _with_defaults(obj: Object) -> Object:
    spec = filled(spec_of(obj), {"volumeMode": "Filesystem"})
    return {**obj, "spec": spec, "status": filled(status_of(obj), {"phase": "Pending"})}


def _access_modes(obj: Object) -> str:
    modes = status_of(obj).get("accessModes") or ()
    return ",".join(_SHORT_MODES.get(mode, mode) for mode in modes)


KIND: Final = Kind(
    resource=Resource(
        kind="PersistentVolumeClaim",
        plural="persistentvolumeclaims",
        short_names=("pvc",),
        subresources=("status",),
        returns_deleted=True,
    ),
    columns=(
        NAME,
        column("Status", in_status("phase", "")),
        column("Volume", in_spec("volumeName", "")),
        column("Capacity", lambda obj: (status_of(obj).get("capacity") or {}).get("storage", "")),
        column("Access Modes", _access_modes),
        column("StorageClass", in_spec("storageClassName", "")),
        column("VolumeAttributesClass", in_spec("volumeAttributesClassName", UNSET)),
        AGE,
        column("VolumeMode", in_spec("volumeMode", UNSET), is_wide=True),
    ),
    with_defaults=_with_defaults,
    validate=_validate,
    forbidden_changes=_forbidden_changes,
    is_only_stored=True,
)
