"""What the kubelet looks up for a pod beside the pod itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from netlab.errors import NetlabError
from netlab.kube.objects import Key, Object
from netlab.kubelet.images import Image
from netlab.model.topology import Topology


class CreateContainerConfigError(NetlabError):
    """What a container's configuration refers to is not there, or may not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the kubelet looks up for pods."""

    topology: Topology
    find: Callable[[Key], Object | None]
    """An object, or None."""
    services: Callable[[str], Sequence[Object]]
    """The Services of a namespace."""
    images: Mapping[str, Image]
    """Those of the topology, beside netlab's own."""
    token: Callable[[Object, int], str]
    """A token of a pod's service account, for so many seconds."""


def require(sources: Sources, resource: str, namespace: str, name: str) -> Object:
    """Return an object that a pod refers to.

    Raises:
        CreateContainerConfigError: There is none.
    """
    found = sources.find(Key(resource, namespace, name))
    if found is None:
        kind = {"configmaps": "configmap", "secrets": "secret"}.get(resource, resource)
        raise CreateContainerConfigError(f'{kind} "{name}" not found')
    return found
