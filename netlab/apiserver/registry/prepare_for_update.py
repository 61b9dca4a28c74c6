"""What a new state of an object takes over from the old one without being told.

Source: Kubernetes, ``staging/src/k8s.io/apiserver/pkg/registry/rest/update.go``.
"""

from typing import Final

from netlab.kube.kinds.table import kind_of
from netlab.kube.objects import Object, metadata_of
from netlab.kube.resources import resource_of

_KEPT_METADATA: Final = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def prepare_for_update(old: Object, new: Object) -> Object:
    """Return the new state with what the server alone decides, and what its kind carries over."""
    metadata = {
        field: value for field, value in metadata_of(new).items() if field not in _KEPT_METADATA
    }
    metadata |= {
        field: metadata_of(old)[field] for field in _KEPT_METADATA if field in metadata_of(old)
    }
    new = {**new, "metadata": metadata}
    if "status" in resource_of(old).subresources and "status" in old:
        new["status"] = old["status"]
    kind = kind_of(old["kind"])
    return kind.prepare_for_update(old, new) if kind is not None else new
