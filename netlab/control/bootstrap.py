"""The objects that every cluster has from its first moment."""

from collections.abc import Sequence
from typing import Final

from netlab.control.admission.defaults import with_defaults
from netlab.control.store import Store
from netlab.model.objects import Key, Object
from netlab.model.resources import key_of
from netlab.model.topology import Network

SERVICE_CIDR: Final = Key("servicecidrs", "", "kubernetes")
"""The ServiceCIDR that says which addresses ClusterIPs are taken from."""

_NAMESPACES: Final = ("default", "kube-system")


def bootstrap(store: Store, services: Sequence[Network]) -> None:
    """Create what is missing of namespaces, ServiceCIDR and Service ``kubernetes``.

    Args:
        store: What to fill; objects that are there stay as they are.
        services: The networks of ClusterIPs, one a family, the main one first.
    """
    with store.transaction():
        for obj in (*map(_namespace, _NAMESPACES), _service_cidr(services), _kubernetes(services)):
            if store.get(key_of(obj)) is None:
                store.create(with_defaults(obj))


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _service_cidr(services: Sequence[Network]) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": SERVICE_CIDR.name},
        "spec": {"cidrs": [str(network) for network in services]},
    }


def _kubernetes(services: Sequence[Network]) -> Object:
    main = services[0]
    address = str(main.network_address + 1)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "ipFamilies": [f"IPv{main.version}"],
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
        },
    }
