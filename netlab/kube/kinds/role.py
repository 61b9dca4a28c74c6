"""Role: stored; whoever may speak to a lab may do everything in it.

Source: Kubernetes, ``pkg/apis/rbac/validation`` (validatePolicyRule).
"""

from typing import Final

from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_required
from netlab.kube.kinds.columns import CREATED_AT, NAME
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.metadata import items_of
from netlab.kube.names import wrong_path_segment
from netlab.kube.objects import Object
from netlab.kube.resource import Resource

GROUP: Final = "rbac.authorization.k8s.io"


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    check_rules(obj, path, report, namespaced=True)


def check_rules(role: Object, path: FieldPath, report: Report, *, namespaced: bool) -> None:
    """Report what is wrong with the rules of a Role or a ClusterRole."""
    for inside, rule in items_of(role, "rules", path):
        check_required(rule, "verbs", inside, report, "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            _check_urls(rule, (*inside, "nonResourceURLs"), report, namespaced=namespaced)
            continue
        why = "resource rules must supply at least one api group"
        check_required(rule, "apiGroups", inside, report, why)
        why = "resource rules must supply at least one resource"
        check_required(rule, "resources", inside, report, why)


def _check_urls(rule: Object, path: FieldPath, report: Report, *, namespaced: bool) -> None:
    urls = rule["nonResourceURLs"]
    if namespaced:
        report.add(path, invalid(urls, "namespaced rules cannot apply to non-resource URLs"))
    if any(rule.get(key) for key in ("apiGroups", "resources", "resourceNames")):
        why = "rules cannot apply to both regular resources and non-resource URLs"
        report.add(path, invalid(urls, why))


KIND: Final = Kind(
    resource=Resource(kind="Role", plural="roles", group=GROUP),
    columns=(NAME, CREATED_AT),
    wrong_name=wrong_path_segment,
    validate=_validate,
    is_only_stored=True,
)
