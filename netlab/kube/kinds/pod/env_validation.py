"""What a container's environment must fulfil.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidateEnv, validateEnvVarValueFrom,
ValidateEnvFrom).
"""

import re
from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import mapping, quoted
from netlab.documents.problems import FieldPath, Report, invalid, spell_value
from netlab.kube.field_checks import check_required, check_text
from netlab.kube.metadata import items_of, text_of
from netlab.kube.names import wrong_config_key, wrong_dns_subdomain, wrong_env_name

_SOURCES: Final = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")
_MORE_THAN_ONE: Final = "may not have more than one field specified at a time"
_FIELDS: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_VOLUME_FIELDS: Final = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
_KEYED: Final = re.compile(r"metadata\.(?:labels|annotations)\['[^']+'\]\Z")
_RESOURCES: Final = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)


def check_env(container: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with the variables of a container."""
    for inside, variable in items_of(container, "env", path):
        if check_required(variable, "name", inside, report):
            check_text(variable["name"], wrong_env_name, (*inside, "name"), report)
        source = variable.get("valueFrom")
        if isinstance(source, dict):
            _check_source(variable, source, (*inside, "valueFrom"), report)


def check_env_from(container: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with the ConfigMaps and Secrets that are a container's variables."""
    for inside, source in items_of(container, "envFrom", path):
        check_text(source.get("prefix"), wrong_env_name, (*inside, "prefix"), report)
        given = [one for one in ("configMapRef", "secretRef") if source.get(one) is not None]
        if not given:
            why = "must specify one of: `configMapRef` or `secretRef`"
            report.add(inside, invalid("", why))
        elif len(given) > 1:
            report.add(inside, invalid("", _MORE_THAN_ONE))
        for one in given:
            reference = mapping(source[one])
            if check_required(reference, "name", (*inside, one), report):
                check_text(reference["name"], wrong_dns_subdomain, (*inside, one, "name"), report)


def check_field_ref(
    reference: Mapping[str, object], path: FieldPath, report: Report, *, is_file: bool = False
) -> None:
    """Report a path that leads to no field of a pod that a container may see.

    Args:
        reference: With ``fieldPath``.
        path: Where it is.
        report: Takes the problems.
        is_file: Whether it is for a file, which may hold all labels.
    """
    if not check_required(reference, "fieldPath", path, report):
        return
    text = text_of(reference, "fieldPath")
    if text in _FIELDS or (is_file and text in _VOLUME_FIELDS) or _KEYED.match(text):
        allowed = _VOLUME_FIELDS if is_file else _FIELDS
        if text not in allowed and not _KEYED.match(text):
            known = f"Unsupported value: {spell_value(text)}: supported values: {quoted(allowed)}"
            report.add((*path, "fieldPath"), known)
        return
    why = f"error converting fieldPath: field label not supported: {text}"
    report.add((*path, "fieldPath"), invalid(text, why))


def check_resource_ref(reference: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report a resource of a container that is none."""
    if not check_required(reference, "resource", path, report):
        return
    text = text_of(reference, "resource")
    if text not in _RESOURCES and ".hugepages-" not in text:
        message = f"Unsupported value: {spell_value(text)}: supported values: {quoted(_RESOURCES)}"
        report.add((*path, "resource"), message)


def _check_source(
    variable: Mapping[str, object],
    source: Mapping[str, object],
    path: FieldPath,
    report: Report,
) -> None:
    given = [one for one in (*_SOURCES, "fileKeyRef") if source.get(one) is not None]
    if not given:
        why = (
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
            "`secretKeyRef` or `fileKeyRef`"
        )
        report.add(path, invalid("", why))
    elif variable.get("value"):
        report.add(path, invalid("", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        report.add(path, invalid("", _MORE_THAN_ONE))
    for one in given:
        _check_reference(one, mapping(source[one]), (*path, one), report)


def _check_reference(
    kind: str, reference: Mapping[str, object], path: FieldPath, report: Report
) -> None:
    match kind:
        case "fieldRef":
            check_field_ref(reference, path, report)
        case "resourceFieldRef":
            check_resource_ref(reference, path, report)
        case "configMapKeyRef" | "secretKeyRef":
            check_required(reference, "name", path, report)
            if check_required(reference, "key", path, report):
                check_text(reference["key"], wrong_config_key, (*path, "key"), report)
        case _:
            return
