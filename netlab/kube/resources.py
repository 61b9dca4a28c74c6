"""The resources of the API by the words that people and paths use for them."""

from typing import Final

from netlab.kube.kinds.table import KINDS
from netlab.kube.objects import Key, Object, name_of, namespace_of
from netlab.kube.resource import DEFAULT_NAMESPACE, Resource

__all__ = [
    "DEFAULT_NAMESPACE",
    "RESOURCES",
    "SERVED",
    "Resource",
    "key_of",
    "resource_named",
    "resource_of",
    "resource_words",
]

RESOURCES: Final = {kind.resource.plural: kind.resource for kind in KINDS}
"""By plural, in the order in which they are to be created."""

SERVED: Final = (
    *RESOURCES.values(),
    *(other.resource for kind in KINDS for other in kind.other_versions),
)
"""Every resource, and those in whose other groups and versions the same objects are served."""

_BY_KIND: Final = {resource.kind: resource for resource in RESOURCES.values()}
_BY_WORD: Final = {
    word: resource
    for resource in RESOURCES.values()
    for word in (
        resource.plural,
        resource.singular,
        *resource.short_names,
        resource.qualified,
        f"{resource.plural}.{resource.version}.{resource.group}",
    )
}


def resource_named(word: str) -> Resource | None:
    """Return the resource a user means by a plural, singular or short name, or None.

    >>> resource_named("svc").kind
    'Service'
    """
    return _BY_WORD.get(word.lower())


def resource_words() -> tuple[str, ...]:
    """Return every word that ``resource_named`` knows."""
    return tuple(_BY_WORD)


def resource_of(obj: Object) -> Resource:
    """Return the resource of an object whose kind is known to be one of the table's."""
    return _BY_KIND[obj["kind"]]


def key_of(obj: Object) -> Key:
    """Return where an object of a known kind is stored."""
    return resource_of(obj).key(namespace_of(obj), name_of(obj))
