"""The documents by which clients learn what the API serves, in the two forms that they ask for.

The *legacy* form is a document for each group and version. The *aggregated* form holds everything
under ``/api`` and ``/apis``; clients name it in ``Accept`` and take the legacy form instead.

Source: Kubernetes API documentation, "API Discovery".
"""

from typing import Final

from netlab.kube.objects import Object
from netlab.kube.resources import SERVED, Resource
from netlab.kube.version import KUBERNETES_VERSION

"""The release whose API and behaviour the lab follows."""

AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"

_VERBS: Final = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)
_PART_VERBS: Final = ("get", "patch", "update")

_PROXY_VERBS: Final = ("create", "delete", "get", "patch", "update")
_PARTS: Final[dict[str, tuple[str, str, str, tuple[str, ...]]]] = {
    "attach": ("", "v1", "PodAttachOptions", ("create", "get")),
    "binding": ("", "v1", "Binding", ("create",)),
    "eviction": ("policy", "v1", "Eviction", ("create",)),
    "exec": ("", "v1", "PodExecOptions", ("create", "get")),
    "finalize": ("", "v1", "Namespace", ("update",)),
    "log": ("", "v1", "Pod", ("get",)),
    "portforward": ("", "v1", "PodPortForwardOptions", ("create", "get")),
    "scale": ("autoscaling", "v1", "Scale", _PART_VERBS),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ("create",)),
}
"""Group, version, kind and verbs of the parts whose bodies are of another kind than the object."""

REVIEWS: Final = {
    ("authentication.k8s.io", "v1"): (("selfsubjectreviews", "SelfSubjectReview"),),
    ("authorization.k8s.io", "v1"): (
        ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        ("selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ),
}
"""What is asked and answered and never stored, by group and version: plural and kind."""


def discovery(path: str, accept: str = "") -> tuple[Object, str] | None:
    """Return the document at a path with its media type, or None where there is none.

    Args:
        path: ``/api``, ``/apis/apps/v1`` ...
        accept: What the client asks for, of which the first form that is served is taken.
    """
    parts = path.strip("/").split("/")
    version = _aggregated_version(accept)
    if version and parts in (["api"], ["apis"]):
        return _aggregated(parts == ["api"], version), AGGREGATED.format(version)
    document = _legacy(parts)
    return None if document is None else (document, "application/json")


def group_versions() -> list[tuple[str, str]]:
    """Return every group and version that is served, the core group first."""
    stored = ((one.group, one.version) for one in SERVED)
    return list(dict.fromkeys((("", "v1"), *stored, *REVIEWS)))


def version_info() -> Object:
    """Return what ``/version`` says."""
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"{KUBERNETES_VERSION}+netlab",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


def _aggregated_version(accept: str) -> str:
    """Return ``v2`` or ``v2beta1``, whichever form stands first; empty for the legacy form."""
    for form in accept.split(","):
        words = {word.strip() for word in form.split(";")}
        if "as=APIGroupDiscoveryList" in words and "g=apidiscovery.k8s.io" in words:
            return next((one for one in ("v2", "v2beta1") if f"v={one}" in words), "")
        if words & {"application/json", "*/*"}:
            return ""
    return ""


def _legacy(parts: list[str]) -> Object | None:
    match parts:
        case ["version"]:
            return version_info()
        case ["api"]:
            return {"kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"]}
        case ["api", version] if ("", version) in group_versions():
            return _resource_list("", version)
        case ["apis", *rest]:
            return _of_groups(rest)
        case _:
            return None


def _of_groups(parts: list[str]) -> Object | None:
    match parts:
        case []:
            groups = [_group(name) for name in _groups()]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case [group] if group in _groups():
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
        case [group, version] if group and (group, version) in group_versions():
            return _resource_list(group, version)
        case _:
            return None


def _groups() -> list[str]:
    return list(dict.fromkeys(group for group, _ in group_versions() if group))


def _group(name: str) -> Object:
    versions = [
        {"groupVersion": f"{name}/{version}", "version": version}
        for group, version in group_versions()
        if group == name
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resource_list(group: str, version: str) -> Object:
    entries = []
    for resource in _served(group, version):
        entries.append(_entry(resource))
        entries.extend(_part_entry(resource, part) for part in resource.subresources)
    entries.extend(
        {"name": plural, "singularName": kind.lower(), "namespaced": False, "kind": kind}
        | {"verbs": ["create"]}
        for plural, kind in REVIEWS.get((group, version), ())
    )
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": entries,
    }


def _served(group: str, version: str) -> list[Resource]:
    return [one for one in SERVED if (one.group, one.version) == (group, version)]


def _entry(resource: Resource) -> Object:
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(_VERBS),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return entry


def _part(resource: Resource, part: str) -> tuple[str, str, str, tuple[str, ...]]:
    if part == "proxy":
        return "", "v1", f"{resource.kind}ProxyOptions", _PROXY_VERBS
    own = (resource.group, resource.version, resource.kind, _PART_VERBS)
    return _PARTS.get(part, own)


def _part_entry(resource: Resource, part: str) -> Object:
    group, version, kind, verbs = _part(resource, part)
    other = {} if group == resource.group else {"group": group, "version": version}
    return {
        "name": f"{resource.plural}/{part}",
        "singularName": "",
        "namespaced": resource.namespaced,
        **other,
        "kind": kind,
        "verbs": list(verbs),
    }


def _aggregated(is_core: bool, version: str) -> Object:  # noqa: FBT001 one of two documents
    groups = [""] if is_core else _groups()
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [_aggregated_group(group) for group in groups],
    }


def _aggregated_group(name: str) -> Object:
    versions = [
        {
            "version": version,
            "freshness": "Current",
            "resources": [
                *(_aggregated_resource(one) for one in _served(group, version)),
                *(_review(group, version, *one) for one in REVIEWS.get((group, version), ())),
            ],
        }
        for group, version in group_versions()
        if group == name
    ]
    return {"metadata": {"name": name} if name else {}, "versions": versions}


def _aggregated_resource(resource: Resource) -> Object:
    entry: Object = {
        "resource": resource.plural,
        "responseKind": _kind(resource.group, resource.version, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(_VERBS),
        "subresources": [_aggregated_part(resource, part) for part in resource.subresources],
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return entry


def _aggregated_part(resource: Resource, part: str) -> Object:
    group, version, kind, verbs = _part(resource, part)
    return {
        "subresource": part,
        "responseKind": _kind(group, version, kind),
        "verbs": list(verbs),
    }


def _review(group: str, version: str, plural: str, kind: str) -> Object:
    return {
        "resource": plural,
        "responseKind": _kind(group, version, kind),
        "scope": "Cluster",
        "singularResource": kind.lower(),
        "verbs": ["create"],
    }


def _kind(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}
