"""ConfigMap: its words, columns, and what its keys must be.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidateConfigMap, ValidateConfigMapUpdate).
"""

from collections.abc import Iterator
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_error import Cause
from netlab.kube.kinds.columns import AGE, NAME, number
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.kinds.secret import MAX_BYTES, check_keys, immutable_data
from netlab.kube.objects import Object
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    data, binary = mapping(obj.get("data")), mapping(obj.get("binaryData"))
    for field, table in (("data", data), ("binaryData", binary)):
        check_keys(table, (*path, field), report)
    if _size(data) + _size(binary) > MAX_BYTES:
        report.add(path, f"Too long: may not be more than {MAX_BYTES} bytes")
    for key in data:
        if key in binary:
            report.add((*path, "data", key), invalid(key, "duplicate of key present in binaryData"))


def _size(table: Object) -> int:
    return sum(
        len(value.encode(errors="surrogatepass"))
        for value in table.values()
        if isinstance(value, str)
    )


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    if old.get("immutable"):
        yield from immutable_data(old, new)


def _count(obj: Object) -> int:
    return len(obj.get("data") or ()) + len(obj.get("binaryData") or ())


KIND: Final = Kind(
    resource=Resource(kind="ConfigMap", plural="configmaps", short_names=("cm",)),
    columns=(NAME, number("Data", _count), AGE),
    validate=_validate,
    forbidden_changes=_forbidden_changes,
)
