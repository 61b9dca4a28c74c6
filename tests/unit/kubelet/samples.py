"""What pods are told beside themselves, for tests."""

from collections.abc import Iterable

from netlab.kube.objects import Key, Object, namespace_of
from netlab.kube.resources import key_of
from netlab.kubelet.sources import Sources
from netlab.model.topology import Topology


def sources_of(topology: Topology, objects: Iterable[Object] = ()) -> Sources:
    """Return what is looked up among these objects."""
    by_key: dict[Key, Object] = {key_of(obj): obj for obj in objects}

    def services(namespace: str) -> list[Object]:
        found = [obj for key, obj in by_key.items() if key.resource == "services"]
        return [obj for obj in found if namespace_of(obj) == namespace]

    return Sources(
        topology=topology,
        find=by_key.get,
        services=services,
        images={},
        token=lambda _, seconds: f"token for {seconds} s",
    )
