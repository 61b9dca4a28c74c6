"""RoleBinding: stored; whoever may speak to a lab may do everything in it."""

from collections.abc import Callable
from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, column
from netlab.kube.kinds.kind import Kind, immutable
from netlab.kube.kinds.role import GROUP
from netlab.kube.names import wrong_path_segment
from netlab.kube.objects import Object, items_of
from netlab.kube.resource import Resource


def with_defaults(obj: Object) -> Object:
    """Return a binding whose role and subjects say their API groups."""
    subjects = [_subject(one) for one in items_of(obj, "subjects")]
    role = {"apiGroup": GROUP, **(obj.get("roleRef") or {})}
    return {**obj, "roleRef": role, **({"subjects": subjects} if subjects else {})}


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
    with_defaults=with_defaults,
    forbidden_changes=immutable("roleRef"),
    is_only_stored=True,
)
