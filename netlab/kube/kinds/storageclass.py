"""StorageClass: stored; a lab provisions no volumes.

Source: Kubernetes, ``pkg/apis/storage/validation`` (ValidateStorageClass).
"""

from collections.abc import Iterator
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid
from netlab.kube.field_checks import check_required, check_text
from netlab.kube.field_error import Cause, forbidden_value, invalid_value
from netlab.kube.kinds.columns import AGE, Column, column
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.metadata import check_choice, items_of, text_of
from netlab.kube.names import wrong_label_value, wrong_qualified_name
from netlab.kube.objects import Object, annotations_of, name_of
from netlab.kube.resource import Resource

_DEFAULTS: Final = {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}
_IS_DEFAULT: Final = "storageclass.kubernetes.io/is-default-class"
_PARAMETERS: Final = 512
_PARAMETER_BYTES: Final = 256 * 1024


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    if check_required(obj, "provisioner", path, report):
        check_text(
            text_of(obj, "provisioner").lower(), wrong_qualified_name, ("provisioner",), report
        )
    _check_parameters(mapping(obj.get("parameters")), (*path, "parameters"), report)
    check_choice(obj.get("reclaimPolicy"), ("Delete", "Retain"), (*path, "reclaimPolicy"), report)
    modes = ("Immediate", "WaitForFirstConsumer")
    check_choice(obj.get("volumeBindingMode"), modes, (*path, "volumeBindingMode"), report)
    for at, term in items_of(obj, "allowedTopologies", path):
        for inside, one in items_of(term, "matchLabelExpressions", at):
            _check_topology(one, inside, report)


def _check_parameters(parameters: Object, path: FieldPath, report: Report) -> None:
    if len(parameters) > _PARAMETERS:
        report.add(path, f"Too long: may not be more than {_PARAMETERS} bytes")
    if "" in parameters:
        report.add(path, invalid("", "field can not be empty."))
    if sum(len(f"{key}{value}") for key, value in parameters.items()) > _PARAMETER_BYTES:
        report.add(path, f"Too long: may not be more than {_PARAMETER_BYTES} bytes")


def _check_topology(one: Object, path: FieldPath, report: Report) -> None:
    check_required(one, "values", path, report)
    check_unique(
        (((*path, "values", index), text) for index, text in enumerate(entries(one.get("values")))),
        report,
    )
    check_text(one.get("key"), wrong_qualified_name, (*path, "key"), report)
    for index, text in enumerate(entries(one.get("values"))):
        check_text(text, wrong_label_value, (*path, "values", index), report)


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    for field in ("parameters", "provisioner", "reclaimPolicy"):
        if (old.get(field) or None) != (new.get(field) or None):
            yield forbidden_value(field, f"updates to {field} are forbidden.")
    mode = new.get("volumeBindingMode")
    if old.get("volumeBindingMode") != mode:
        yield invalid_value("volumeBindingMode", mode, "field is immutable")


def _name(obj: Object) -> str:
    default = " (default)" if annotations_of(obj).get(_IS_DEFAULT) == "true" else ""
    return name_of(obj) + default


KIND: Final = Kind(
    resource=Resource(
        kind="StorageClass",
        plural="storageclasses",
        group="storage.k8s.io",
        namespaced=False,
        short_names=("sc",),
    ),
    columns=(
        Column(name="Name", cell=lambda obj, _: _name(obj), format="name"),
        column("Provisioner", lambda obj: str(obj.get("provisioner", ""))),
        column("ReclaimPolicy", lambda obj: str(obj.get("reclaimPolicy", ""))),
        column("VolumeBindingMode", lambda obj: str(obj.get("volumeBindingMode", ""))),
        column(
            "AllowVolumeExpansion", lambda obj: str(bool(obj.get("allowVolumeExpansion"))).lower()
        ),
        AGE,
    ),
    with_defaults=lambda obj: filled(obj, _DEFAULTS),
    validate=_validate,
    forbidden_changes=_forbidden_changes,
    is_only_stored=True,
)
