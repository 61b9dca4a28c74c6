"""RoleBinding: stored; whoever may speak to a lab may do everything in it.

Source: Kubernetes, ``pkg/apis/rbac/validation`` (ValidateRoleBinding).
"""

from collections.abc import Callable
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report
from netlab.kube.field_checks import check_required, check_text
from netlab.kube.kinds.columns import AGE, NAME, column
from netlab.kube.kinds.kind import ClusterContext, Kind, immutable
from netlab.kube.kinds.role import GROUP
from netlab.kube.metadata import check_choice, text_of
from netlab.kube.metadata import items_of as entries_of
from netlab.kube.names import wrong_dns_subdomain, wrong_path_segment
from netlab.kube.objects import Object, items_of
from netlab.kube.resource import Resource


def with_defaults(obj: Object) -> Object:
    """Return a binding whose role and subjects say their API groups."""
    subjects = [_subject(one) for one in items_of(obj, "subjects")]
    role = {"apiGroup": GROUP, **(obj.get("roleRef") or {})}
    return {**obj, "roleRef": role, **({"subjects": subjects} if subjects else {})}


def check_binding(
    obj: Object, path: FieldPath, report: Report, *, kinds: tuple[str, ...], namespaced: bool
) -> None:
    """Report what is wrong with the role and the subjects of a binding.

    Args:
        obj: The binding.
        path: Where it is.
        report: Takes the problems.
        kinds: Of roles that it may give.
        namespaced: Whether the binding has a namespace, which a subject then takes over.
    """
    role, inside = mapping(obj.get("roleRef")), (*path, "roleRef")
    check_choice(role.get("apiGroup"), (GROUP,), (*inside, "apiGroup"), report)
    check_choice(text_of(role, "kind", "<none>"), kinds, (*inside, "kind"), report)
    if check_required(role, "name", inside, report):
        check_text(role["name"], wrong_path_segment, (*inside, "name"), report)
    for at, subject in entries_of(obj, "subjects", path):
        _check_subject(subject, at, report, namespaced=namespaced)


def _check_subject(subject: Object, path: FieldPath, report: Report, *, namespaced: bool) -> None:
    check_required(subject, "name", path, report)
    kind = text_of(subject, "kind", "<none>")
    check_choice(kind, ("ServiceAccount", "User", "Group"), (*path, "kind"), report)
    if kind != "ServiceAccount":
        check_choice(subject.get("apiGroup"), (GROUP,), (*path, "apiGroup"), report)
        return
    check_text(subject.get("name"), wrong_dns_subdomain, (*path, "name"), report)
    check_choice(subject.get("apiGroup"), ("",), (*path, "apiGroup"), report)
    if not namespaced:
        check_required(subject, "namespace", path, report)


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    check_binding(obj, path, report, kinds=("Role", "ClusterRole"), namespaced=True)


def _subject(subject: Object) -> Object:
    if subject.get("kind") == "ServiceAccount":
        return subject
    return {"apiGroup": GROUP, **subject}


def _role(obj: Object) -> str:
    role = obj.get("roleRef") or {}
    return f"{role.get('kind', '')}/{role.get('name', '')}"


def _subjects(kind: str) -> Callable[[Object], str]:
    def cell(obj: Object) -> str:
        found = (one for one in items_of(obj, "subjects") if one.get("kind") == kind)
        return ", ".join(
            "/".join(filter(None, (one.get("namespace"), one.get("name", "")))) for one in found
        )

    return cell


COLUMNS: Final = (
    NAME,
    column("Role", _role),
    AGE,
    column("Users", _subjects("User"), is_wide=True),
    column("Groups", _subjects("Group"), is_wide=True),
    column("ServiceAccounts", _subjects("ServiceAccount"), is_wide=True),
)

KIND: Final = Kind(
    resource=Resource(kind="RoleBinding", plural="rolebindings", group=GROUP),
    columns=COLUMNS,
    wrong_name=wrong_path_segment,
    validate=_validate,
    with_defaults=with_defaults,
    forbidden_changes=immutable("roleRef"),
    is_only_stored=True,
)
