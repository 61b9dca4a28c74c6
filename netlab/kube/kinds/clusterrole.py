"""ClusterRole: stored; whoever may speak to a lab may do everything in it."""

from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report
from netlab.kube.kinds.columns import CREATED_AT, NAME
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.kinds.role import GROUP, check_rules
from netlab.kube.label_selector import check_label_selector
from netlab.kube.metadata import items_of
from netlab.kube.names import wrong_path_segment
from netlab.kube.objects import Object
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    check_rules(obj, path, report, namespaced=False)
    rule = mapping(obj.get("aggregationRule"))
    within = (*path, "aggregationRule")
    if obj.get("aggregationRule") is not None and not rule.get("clusterRoleSelectors"):
        why = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        report.add((*within, "clusterRoleSelectors"), f"Required value: {why}")
    for inside, selector in items_of(rule, "clusterRoleSelectors", within):
        check_label_selector(selector, inside, report)


KIND: Final = Kind(
    resource=Resource(kind="ClusterRole", plural="clusterroles", group=GROUP, namespaced=False),
    columns=(NAME, CREATED_AT),
    wrong_name=wrong_path_segment,
    validate=_validate,
    is_only_stored=True,
)
