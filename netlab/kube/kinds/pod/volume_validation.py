"""What the volumes of a pod must fulfil.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidateVolumes, validateVolumeSource).
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid
from netlab.kube.field_checks import check_mode, check_quantity, check_required, check_text
from netlab.kube.kinds.pod.container_validation import wrong_relative_path
from netlab.kube.kinds.pod.env_validation import check_field_ref, check_resource_ref
from netlab.kube.metadata import check_choice, items_of, text_of
from netlab.kube.names import wrong_dns_label

_NAMED: Final = {"configMap": "name", "secret": "secretName"}
_PROJECTIONS: Final = ("secret", "configMap", "downwardAPI", "serviceAccountToken")
_HOST_TYPES: Final = (
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)


def check_volumes(spec: Mapping[str, object], path: FieldPath, report: Report) -> frozenset[str]:
    """Return the names of a pod's volumes, after reporting what is wrong with them."""
    volumes = list(items_of(spec, "volumes", path))
    for inside, volume in volumes:
        if check_required(volume, "name", inside, report):
            check_text(volume["name"], wrong_dns_label, (*inside, "name"), report)
        sources = [key for key, value in volume.items() if key != "name" and value is not None]
        if not sources:
            report.add(inside, "Required value: must specify a volume type")
        for extra in sources[1:]:
            message = "Forbidden: may not specify more than 1 volume type"
            report.add((*inside, extra), message)
        for kind in sources[:1]:
            _check_source(kind, mapping(volume[kind]), (*inside, kind), report)
    check_unique((((*inside, "name"), text_of(one, "name")) for inside, one in volumes), report)
    return frozenset(text_of(one, "name") for _, one in volumes)


def _check_source(kind: str, source: Mapping[str, object], path: FieldPath, report: Report) -> None:
    match kind:
        case "configMap" | "secret":
            check_required(source, _NAMED[kind], path, report)
            _check_items(source, path, report)
        case "downwardAPI":
            _check_downward(source, path, report)
        case "projected":
            _check_projected(source, path, report)
        case "emptyDir":
            check_quantity(source.get("sizeLimit"), (*path, "sizeLimit"), report)
        case "hostPath":
            _check_host_path(source, path, report)
        case "persistentVolumeClaim":
            check_required(source, "claimName", path, report)
        case _:
            return


def _check_items(source: Mapping[str, object], path: FieldPath, report: Report) -> None:
    check_mode(source.get("defaultMode"), (*path, "defaultMode"), report)
    for inside, item in items_of(source, "items", path):
        check_required(item, "key", inside, report)
        _check_file(item, inside, report)


def _check_file(item: Mapping[str, object], path: FieldPath, report: Report) -> None:
    if check_required(item, "path", path, report):
        check_text(item["path"], _wrong_file, (*path, "path"), report)
    check_mode(item.get("mode"), (*path, "mode"), report)


def _wrong_file(path: str) -> str:
    wrong = wrong_relative_path(path)
    return wrong or ("must not start with '..'" if path.startswith("..") else "")


def _check_downward(source: Mapping[str, object], path: FieldPath, report: Report) -> None:
    check_mode(source.get("defaultMode"), (*path, "defaultMode"), report)
    for inside, item in items_of(source, "items", path):
        _check_file(item, inside, report)
        field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
        if field is not None and resource is not None:
            why = "fieldRef and resourceFieldRef can not be specified simultaneously"
            report.add(inside, invalid("resource", why))
        elif field is not None:
            check_field_ref(mapping(field), (*inside, "fieldRef"), report, is_file=True)
        elif resource is not None:
            within = (*inside, "resourceFieldRef")
            check_required(mapping(resource), "containerName", within, report)
            check_resource_ref(mapping(resource), within, report)
        else:
            why = "one of fieldRef and resourceFieldRef is required"
            report.add((*inside, "fieldRef"), f"Required value: {why}")


def _check_projected(source: Mapping[str, object], path: FieldPath, report: Report) -> None:
    check_mode(source.get("defaultMode"), (*path, "defaultMode"), report)
    for inside, one in items_of(source, "sources", path):
        given = [kind for kind in one if one[kind] is not None]
        if not given:
            report.add(inside, "Required value: must specify a projected volume type")
        for extra in given[1:]:
            message = "Forbidden: may not specify more than 1 volume type"
            report.add((*inside, extra), message)
        for kind in given[:1]:
            _check_projection(kind, mapping(one[kind]), (*inside, kind), report)


def _check_projection(
    kind: str, projection: Mapping[str, object], path: FieldPath, report: Report
) -> None:
    if kind not in _PROJECTIONS:
        return
    if kind == "downwardAPI":
        _check_downward(projection, path, report)
    elif kind == "serviceAccountToken":
        _check_file(projection, path, report)
        seconds = projection.get("expirationSeconds")
        if isinstance(seconds, int) and seconds < 600:
            why = "may not specify a duration less than 10 minutes"
            report.add((*path, "expirationSeconds"), invalid(seconds, why))
    else:
        check_required(projection, "name", path, report)
        _check_items(projection, path, report)


def _check_host_path(source: Mapping[str, object], path: FieldPath, report: Report) -> None:
    if check_required(source, "path", path, report):
        text = text_of(source, "path")
        if ".." in text.split("/"):
            report.add((*path, "path"), invalid(text, "must not contain '..'"))
    check_choice(source.get("type"), _HOST_TYPES, (*path, "type"), report)
