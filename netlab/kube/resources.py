"""The resources of the API: one table for the server, its client and the command line."""

from dataclasses import dataclass
from typing import Final

from netlab.kube.objects import Key, Object, name_of, namespace_of

DEFAULT_NAMESPACE: Final = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of object and the words it goes by."""

    kind: str
    plural: str
    """The word of the API path."""
    singular: str
    group: str = ""
    """API group; empty for the core group."""
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    has_generation: bool = False
    """Whether ``metadata.generation`` counts the changes of its spec."""

    @property
    def api_version(self) -> str:
        """Return the object's ``apiVersion``: ``v1``, ``apps/v1``."""
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def qualified(self) -> str:
        """Return the name that Kubernetes' messages use: ``pods``, ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def typed(self) -> str:
        """Return the kind as kubectl prints it before a name: ``pod``, ``deployment.apps``."""
        return f"{self.singular}.{self.group}" if self.group else self.singular

    @property
    def root(self) -> str:
        """Return the path of the group and version: ``/api/v1``, ``/apis/apps/v1``."""
        return f"/apis/{self.api_version}" if self.group else "/api/v1"

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of a collection, an object or a part of it.

        Args:
            namespace: Empty means all namespaces; ignored for resources that live in none.
            name: Empty means the collection.
            subresource: ``status`` or ``scale``.

        >>> RESOURCES["services"].path("default", "web")
        '/api/v1/namespaces/default/services/web'
        >>> RESOURCES["deployments"].path()
        '/apis/apps/v1/deployments'
        """
        scope = ("namespaces", namespace) if namespace and self.namespaced else ()
        parts = (self.root, *scope, self.plural, name, subresource)
        return "/".join(part for part in parts if part)

    def key(self, namespace: str, name: str) -> Key:
        """Return the key of the object ``name``."""
        return Key(self.plural, namespace if self.namespaced else "", name)


_TABLE: Final = (
    Resource(
        kind="Namespace",
        plural="namespaces",
        singular="namespace",
        namespaced=False,
        short_names=("ns",),
        subresources=("status",),
    ),
    Resource(
        kind="Node",
        plural="nodes",
        singular="node",
        namespaced=False,
        short_names=("no",),
        subresources=("status",),
    ),
    Resource(
        kind="Pod",
        plural="pods",
        singular="pod",
        short_names=("po",),
        categories=("all",),
        subresources=("status",),
    ),
    Resource(
        kind="Service",
        plural="services",
        singular="service",
        short_names=("svc",),
        categories=("all",),
        subresources=("status",),
    ),
    Resource(kind="Endpoints", plural="endpoints", singular="endpoints", short_names=("ep",)),
    Resource(
        kind="Deployment",
        plural="deployments",
        singular="deployment",
        group="apps",
        short_names=("deploy",),
        categories=("all",),
        subresources=("scale", "status"),
        has_generation=True,
    ),
    Resource(
        kind="ReplicaSet",
        plural="replicasets",
        singular="replicaset",
        group="apps",
        short_names=("rs",),
        categories=("all",),
        subresources=("scale", "status"),
        has_generation=True,
    ),
    Resource(
        kind="EndpointSlice",
        plural="endpointslices",
        singular="endpointslice",
        group="discovery.k8s.io",
    ),
    Resource(
        kind="ServiceCIDR",
        plural="servicecidrs",
        singular="servicecidr",
        group="networking.k8s.io",
        namespaced=False,
    ),
)

RESOURCES: Final = {resource.plural: resource for resource in _TABLE}
"""By plural, in the order in which they are to be created."""

_BY_KIND: Final = {resource.kind: resource for resource in _TABLE}
_BY_WORD: Final = {
    word: resource
    for resource in _TABLE
    for word in (
        resource.plural,
        resource.singular,
        *resource.short_names,
        resource.qualified,
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


def resource_of_kind(kind: object) -> Resource | None:
    """Return the resource whose objects have this ``kind``, or None."""
    return _BY_KIND.get(kind) if isinstance(kind, str) else None


def resource_of(obj: Object) -> Resource:
    """Return the resource of an object whose kind is known to be one of the table's."""
    return _BY_KIND[obj["kind"]]


def key_of(obj: Object) -> Key:
    """Return where an object of a known kind is stored."""
    return resource_of(obj).key(namespace_of(obj), name_of(obj))
