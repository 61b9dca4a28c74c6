"""A resource of the API: one kind of object and the words it goes by."""

from dataclasses import dataclass
from typing import Final

from netlab.kube.objects import Key

DEFAULT_NAMESPACE: Final = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of object and the words it goes by.

    >>> services = Resource(kind="Service", plural="services")
    >>> services.path("default", "web")
    '/api/v1/namespaces/default/services/web'
    >>> services.singular
    'service'
    """

    kind: str
    plural: str
    """The word of the API path."""
    group: str = ""
    """API group; empty for the core group."""
    version: str = "v1"
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    has_generation: bool = False
    """Whether ``metadata.generation`` counts the changes of its spec."""
    returns_deleted: bool = False
    """Whether a deletion is answered with the object, and not with a Status."""

    @property
    def singular(self) -> str:
        """Return the kind in small letters, which kubectl takes too."""
        return self.kind.lower()

    @property
    def api_version(self) -> str:
        """Return the object's ``apiVersion``: ``v1``, ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

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
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of a collection, an object or a part of it.

        Args:
            namespace: Empty means all namespaces; ignored for resources that live in none.
            name: Empty means the collection.
            subresource: ``status`` or ``scale``.
        """
        scope = ("namespaces", namespace) if namespace and self.namespaced else ()
        parts = (self.root, *scope, self.plural, name, subresource)
        return "/".join(part for part in parts if part)

    def key(self, namespace: str, name: str) -> Key:
        """Return the key of the object ``name``."""
        return Key(self.plural, namespace if self.namespaced else "", name)
