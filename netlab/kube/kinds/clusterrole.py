"""ClusterRole: stored; whoever may speak to a lab may do everything in it."""

from typing import Final

from netlab.kube.kinds.columns import CREATED_AT, NAME
from netlab.kube.kinds.kind import Kind
from netlab.kube.kinds.role import GROUP
from netlab.kube.names import wrong_path_segment
from netlab.kube.resource import Resource

KIND: Final = Kind(
    resource=Resource(kind="ClusterRole", plural="clusterroles", group=GROUP, namespaced=False),
    columns=(NAME, CREATED_AT),
    wrong_name=wrong_path_segment,
    is_only_stored=True,
)
