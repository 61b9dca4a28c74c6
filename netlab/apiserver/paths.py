"""What a path of the API means."""

from dataclasses import dataclass
from typing import Final

from netlab.kube.objects import Key
from netlab.kube.resources import SERVED, Resource

_SERVED: Final = {(one.group, one.version, one.plural): one for one in SERVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The collection, object or part of an object that a path names."""

    resource: Resource
    namespace: str = ""
    """Empty for all namespaces, and for resources that live in none."""
    name: str = ""
    """Empty for the collection."""
    subresource: str = ""

    @property
    def key(self) -> Key:
        """The key of the object; its name is empty for a collection."""
        return self.resource.key(self.namespace, self.name)


def parse_path(path: str) -> Target | None:
    """Return what a path names, or None for a path that names no resource of the API.

    >>> parse_path("/api/v1/namespaces/default/services/web").key
    Key(resource='services', namespace='default', name='web')
    >>> parse_path("/api/v1/namespaces/default").key
    Key(resource='namespaces', namespace='', name='default')
    """
    match path.strip("/").split("/"):
        case ["api", version, *rest]:
            return _target("", version, rest)
        case ["apis", group, version, *rest] if group:
            return _target(group, version, rest)
        case _:
            return None


def _target(group: str, version: str, parts: list[str]) -> Target | None:
    # "namespaces/web/status" is a part of a Namespace, "namespaces/web/services" a collection.
    match parts:
        case ["namespaces", namespace, plural, *rest] if (group, version, plural) in _SERVED:
            resource = _SERVED[group, version, plural]
            return _object(resource, namespace, rest) if resource.namespaced else None
        case [plural, *rest] if (group, version, plural) in _SERVED:
            resource = _SERVED[group, version, plural]
            return None if resource.namespaced and rest else _object(resource, "", rest)
        case _:
            return None


def _object(resource: Resource, namespace: str, parts: list[str]) -> Target | None:
    match parts:
        case []:
            return Target(resource=resource, namespace=namespace)
        case [name]:
            return Target(resource=resource, namespace=namespace, name=name)
        case [name, subresource] if subresource in resource.subresources:
            return Target(
                resource=resource, namespace=namespace, name=name, subresource=subresource
            )
        case _:
            return None
