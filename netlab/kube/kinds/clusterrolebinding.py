"""ClusterRoleBinding: stored; whoever may speak to a lab may do everything in it."""

from typing import Final

from netlab.documents.problems import FieldPath, Report
from netlab.kube.kinds.kind import ClusterContext, Kind, immutable
from netlab.kube.kinds.role import GROUP
from netlab.kube.kinds.rolebinding import COLUMNS, check_binding, with_defaults
from netlab.kube.names import wrong_path_segment
from netlab.kube.objects import Object
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    check_binding(obj, path, report, kinds=("ClusterRole",), namespaced=False)


KIND: Final = Kind(
    resource=Resource(
        kind="ClusterRoleBinding", plural="clusterrolebindings", group=GROUP, namespaced=False
    ),
    columns=COLUMNS,
    wrong_name=wrong_path_segment,
    validate=_validate,
    with_defaults=with_defaults,
    forbidden_changes=immutable("roleRef"),
    is_only_stored=True,
)
