"""The objects that every cluster has from its first moment."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from netlab.apiserver.store import Store
from netlab.apiserver.stored_objects import why_unusable
from netlab.kube.defaults import with_defaults
from netlab.kube.objects import Key, Object, spec_of, with_spec
from netlab.kube.resources import RESOURCES, key_of
from netlab.kube.unreadable import UnreadableObjects
from netlab.model.addresses import Address, Network, parse_ip

SERVICE_CIDR: Final = Key("servicecidrs", "", "kubernetes")
"""The ServiceCIDR that says which addresses ClusterIPs are taken from."""

API_PORT: Final = 6443
"""Where the API answers inside a lab's network; the Service ``kubernetes`` leads to it."""

AUTHENTICATION: Final = Key("configmaps", "kube-system", "extension-apiserver-authentication")
"""The ConfigMap in which the API server publishes the certificate to trust."""
CLIENT_CA: Final = "client-ca-file"

NODE_LEASES: Final = "kube-node-lease"
"""The namespace of the nodes' signs of life."""
_NAMESPACES: Final = ("default", "kube-system", "kube-public", NODE_LEASES)


def bootstrap(
    store: Store, services: Sequence[Network], api_servers: Sequence[Address] = ()
) -> None:
    """Create what is missing of namespaces, ServiceCIDR and Service ``kubernetes``.

    Where the networks of ClusterIPs are others than before, Services with an address of none of
    them are removed: a ClusterIP never changes.

    Args:
        store: What to fill; objects that are there stay as they are.
        services: The networks of ClusterIPs, one a family, the main one first.
        api_servers: Where the API answers in the lab's network, one a family; without one the
            Service ``kubernetes`` has no endpoints.
    """
    with store.transaction():
        _use_networks(store, services)
        for obj in (*map(_namespace, _NAMESPACES), _service_cidr(services), _kubernetes(services)):
            if store.get(key_of(obj)) is None:
                store.create(with_defaults(obj))
        for address in api_servers[:1]:
            _put(store, _kubernetes_endpoints(address))
            _put(store, _kubernetes_endpointslice(address))


def fill_in_defaults(store: Store) -> None:
    """Fill in what stored objects do not say: who stored them may not have known a default yet.

    A Deployment whose template lacks one that its ReplicaSet has would make ReplicaSets for ever.
    Kubernetes does it whenever it decodes an object. One that cannot be read stays as it is.

    Args:
        store: Before anybody acts on its objects.
    """
    unreadable = UnreadableObjects()
    with store.transaction():
        for resource in RESOURCES:
            for obj in store.list_(resource):
                whole = unreadable.read(key_of(obj), partial(with_defaults, obj))
                if whole is not None and whole != obj and not why_unusable(key_of(obj), whole):
                    store.update(whole)


def publish_authority(store: Store, certificate: str) -> None:
    """Publish the certificate that the API server's own is signed with.

    Args:
        store: Where; every namespace gets a copy for its pods from there.
        certificate: PEM.
    """
    namespace, name = AUTHENTICATION.namespace, AUTHENTICATION.name
    metadata = {"name": name, "namespace": namespace}
    data = {CLIENT_CA: certificate}
    _put(store, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def _put(store: Store, wanted: Object) -> None:
    present = store.get(key_of(wanted))
    if present is None:
        store.create(with_defaults(wanted))
    elif any(present.get(field) != value for field, value in wanted.items() if field in _CONTENT):
        store.update({**present, **{field: wanted[field] for field in _CONTENT & wanted.keys()}})


def _use_networks(store: Store, services: Sequence[Network]) -> None:
    present, wanted = store.get(SERVICE_CIDR), spec_of(_service_cidr(services))
    if present is None or spec_of(present) == wanted:
        return
    store.update(with_spec(present, **wanted))
    for service in store.list_("services"):
        held = [one for one in spec_of(service).get("clusterIPs") or [] if one != "None"]
        addresses = [parse_ip(one) for one in held]
        if not all(one and any(one in network for network in services) for one in addresses):
            store.remove(key_of(service))


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _service_cidr(services: Sequence[Network]) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": SERVICE_CIDR.name},
        "spec": {"cidrs": [str(network) for network in services]},
    }


_CONTENT: Final = frozenset({"data", "subsets", "endpoints", "addressType"})
"""Fields of endpoints that follow the address."""


def _kubernetes_endpoints(address: Address) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            # The API server writes both forms itself, as a cluster's does.
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
        },
        "subsets": [
            {
                "addresses": [{"ip": str(address)}],
                "ports": [{"name": "https", "port": API_PORT, "protocol": "TCP"}],
            }
        ],
    }


def _kubernetes_endpointslice(address: Address) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": f"IPv{address.version}",
        "endpoints": [{"addresses": [str(address)], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": API_PORT, "protocol": "TCP"}],
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
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": API_PORT}],
        },
    }
