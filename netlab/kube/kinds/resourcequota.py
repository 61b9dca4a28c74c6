"""ResourceQuota: stored; no lab counts resources."""

from typing import Final

from netlab.kube.kinds.kind import Kind
from netlab.kube.resource import Resource

KIND: Final = Kind(
    resource=Resource(
        kind="ResourceQuota",
        plural="resourcequotas",
        short_names=("quota",),
        subresources=("status",),
        returns_deleted=True,
    ),
    is_only_stored=True,
)
