"""Secret: its words, columns, defaults, and what its types ask for.

Source: Kubernetes, ``pkg/apis/core/v1/conversion.go``, ``pkg/apis/core/validation``
(ValidateSecret, ValidateSecretUpdate).
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_error import Cause, forbidden_value, invalid_value
from netlab.kube.kinds.columns import AGE, NAME, column, number
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.names import wrong_config_key
from netlab.kube.objects import Object
from netlab.kube.resource import Resource

_NEEDS: Final = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
MAX_BYTES: Final = 1024 * 1024


def _validate(secret: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    data, texts = mapping(secret.get("data")), mapping(secret.get("stringData"))
    for field, table in (("data", data), ("stringData", texts)):
        check_keys(table, (*path, field), report)
    for key, value in data.items():
        if isinstance(value, str) and not _is_base64(value):
            report.add((*path, "data", key), "Invalid value: illegal base64 data")
    if sum(len(value) * 3 // 4 for value in data.values() if isinstance(value, str)) > MAX_BYTES:
        report.add((*path, "data"), f"Too long: may not be more than {MAX_BYTES} bytes")
    for key in _NEEDS.get(str(secret.get("type")), ()):
        if key not in data and key not in texts:
            report.add((*path, "data", key), "Required value")


def check_keys(table: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report each key that cannot be the name of a file."""
    for key in table:
        if wrong_config_key(key):
            report.add((*path, key), invalid(key, wrong_config_key(key)))


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _with_defaults(secret: Object) -> Object:
    secret = {**secret, "type": secret.get("type") or "Opaque"}
    texts = secret.pop("stringData", None) or {}
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        secret["data"] = {**(secret.get("data") or {}), **encoded}
    return secret


def _prepare_for_update(old: Object, new: Object) -> Object:
    return {**new, "type": new.get("type") or old.get("type")}


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    if old.get("type") != new.get("type"):
        yield invalid_value("type", new.get("type"), "field is immutable")
    if old.get("immutable"):
        yield from immutable_data(old, new)


def immutable_data(old: Object, new: Object) -> Iterator[Cause]:
    """Yield what changed in an object that is marked as one that does not change."""
    if not new.get("immutable"):
        yield forbidden_value("immutable", "field is immutable when `immutable` is set")
    for field in ("data", "binaryData"):
        if (old.get(field) or {}) != (new.get(field) or {}):
            yield forbidden_value(field, "field is immutable when `immutable` is set")


KIND: Final = Kind(
    resource=Resource(kind="Secret", plural="secrets"),
    columns=(
        NAME,
        column("Type", lambda obj: str(obj.get("type", ""))),
        number("Data", lambda obj: len(obj.get("data") or ())),
        AGE,
    ),
    validate=_validate,
    prepare_for_update=_prepare_for_update,
    with_defaults=_with_defaults,
    forbidden_changes=_forbidden_changes,
)
