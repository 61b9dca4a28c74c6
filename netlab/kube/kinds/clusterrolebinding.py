"""ClusterRoleBinding: stored; whoever may speak to a lab may do everything in it."""

from typing import Final

from netlab.kube.kinds.kind import Kind, immutable
from netlab.kube.kinds.role import GROUP
from netlab.kube.kinds.rolebinding import COLUMNS, with_defaults
from netlab.kube.names import wrong_path_segment
from netlab.kube.resource import Resource

KIND: Final = Kind(
    resource=Resource(
        kind="ClusterRoleBinding", plural="clusterrolebindings", group=GROUP, namespaced=False
    ),
    columns=COLUMNS,
    wrong_name=wrong_path_segment,
    with_defaults=with_defaults,
    forbidden_changes=immutable("roleRef"),
    is_only_stored=True,
)
