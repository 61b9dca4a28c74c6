"""Objects in the version of a path; they are stored in one version of their kind."""

from netlab.kube.kinds.kind import OtherVersion
from netlab.kube.kinds.table import kind_of
from netlab.kube.objects import Object
from netlab.kube.resource import Resource


def to_version(obj: Object, resource: Resource) -> Object:
    """Return a stored object as a resource serves it."""
    other = _other(resource)
    return obj if other is None else other.to_version(obj)


def from_version(obj: Object, resource: Resource) -> Object:
    """Return an object of a resource as it is to be stored."""
    other = _other(resource)
    return obj if other is None else other.from_version(obj)


def _other(resource: Resource) -> OtherVersion | None:
    kind = kind_of(resource.kind)
    others = kind.other_versions if kind is not None else ()
    return next((one for one in others if one.resource is resource), None)
