"""The documents by which clients learn what the API serves.

Source: Kubernetes API documentation, "API Discovery" (the unaggregated form).
"""

from typing import Final

from netlab.kube.objects import Object
from netlab.kube.resources import RESOURCES, Resource

KUBERNETES_VERSION: Final = "v1.33.0"
"""The release whose API and behaviour the lab follows."""

_VERBS: Final = ("create", "delete", "get", "list", "patch", "update", "watch")
_PART_VERBS: Final = ("get", "patch", "update")


def discovery(path: str) -> Object | None:
    """Return the document at a path, or None where there is none."""
    match path.strip("/").split("/"):
        case ["version"]:
            return _version()
        case ["api"]:
            return {"kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"]}
        case ["api", "v1"]:
            return _resource_list("")
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
        case [group, "v1"] if group in _groups():
            return _resource_list(group)
        case _:
            return None


def _version() -> Object:
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


def _groups() -> list[str]:
    return list(dict.fromkeys(one.group for one in RESOURCES.values() if one.group))


def _group(name: str) -> Object:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resource_list(group: str) -> Object:
    entries = []
    for resource in RESOURCES.values():
        if resource.group == group:
            entries.append(_entry(resource))
            entries.extend(_part_entry(resource, part) for part in resource.subresources)
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/v1" if group else "v1",
        "resources": entries,
    }


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


def _part_entry(resource: Resource, part: str) -> Object:
    scale = {"group": "autoscaling", "version": "v1"} if part == "scale" else {}
    return {
        "name": f"{resource.plural}/{part}",
        "singularName": "",
        "namespaced": resource.namespaced,
        **scale,
        "kind": "Scale" if part == "scale" else resource.kind,
        "verbs": list(_PART_VERBS),
    }
