"""What a cluster has beside the objects of its users: the cloud's configuration, and DNS.

The Deployment, Service and ServiceAccount of the DNS server are those that kubeadm makes, as far as
a lab's topology asks for them. They are put there once: whoever scales the Deployment is obeyed.

Source: kubeadm, ``cmd/kubeadm/app/phases/addons/dns/manifests.go``.
"""

from typing import Final

from netlab.apiserver.store import Store
from netlab.kube.cloud_config import CLOUD_CONFIG, cloud_config_object
from netlab.kube.defaults import with_defaults
from netlab.kube.objects import Key, Object, with_metadata
from netlab.kube.resources import key_of
from netlab.model.topology import Topology

KUBE_DNS: Final = 10
"""kube-dns is the tenth address of the services network."""
IMAGE: Final = "registry.k8s.io/coredns/coredns:v1.12.1"
_LABELS: Final = {"k8s-app": "kube-dns"}
_NAMESPACE: Final = "kube-system"
_PORTS: Final = (("dns", "UDP", 53), ("dns-tcp", "TCP", 53), ("metrics", "TCP", 9153))
_DNS: Final = (
    Key("services", _NAMESPACE, "kube-dns"),
    Key("deployments", _NAMESPACE, "coredns"),
    Key("serviceaccounts", _NAMESPACE, "coredns"),
)


def store_addons(store: Store, topology: Topology) -> None:
    """Create what is missing of a topology's addons, and remove what it does not ask for."""
    wanted = dns_objects(topology) if topology.dns_replicas else []
    with store.transaction():
        _put_cloud_config(store, topology)
        for obj in wanted:
            if store.get(key_of(obj)) is None:
                store.create(with_defaults(obj))
        for key in _DNS if not wanted else ():
            if store.get(key) is not None:
                store.remove(key)


def _put_cloud_config(store: Store, topology: Topology) -> None:
    wanted = cloud_config_object(topology)
    present = store.get(CLOUD_CONFIG)
    if present is None:
        store.create(with_defaults(wanted))
    elif present.get("data") != wanted["data"]:
        store.update({**present, "data": wanted["data"]})


def dns_objects(topology: Topology) -> list[Object]:
    """Return the objects of the cluster's DNS server."""
    return [_service(topology), _service_account(), _deployment(topology.dns_replicas)]


def _service(topology: Topology) -> Object:
    network = topology.service_networks[0]
    address = str(network[KUBE_DNS])
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": _NAMESPACE},
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "ipFamilies": [f"IPv{network.version}"],
            "ipFamilyPolicy": "SingleStack",
            "selector": _LABELS,
            "ports": [
                {"name": name, "protocol": protocol, "port": port, "targetPort": port}
                for name, protocol, port in _PORTS
            ],
        },
    }
    labels = {
        **_LABELS,
        "kubernetes.io/cluster-service": "true",
        "kubernetes.io/name": "CoreDNS",
    }
    annotations = {"prometheus.io/port": "9153", "prometheus.io/scrape": "true"}
    return with_metadata(service, labels=labels, annotations=annotations)


def _service_account() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "coredns", "namespace": _NAMESPACE},
    }


def _deployment(replicas: int) -> Object:
    container = {
        "name": "coredns",
        "image": IMAGE,
        "ports": [
            {"name": name, "protocol": protocol, "containerPort": port}
            for name, protocol, port in _PORTS
        ],
        "livenessProbe": {
            "httpGet": {"path": "/health", "port": 8080, "scheme": "HTTP"},
            "initialDelaySeconds": 60,
            "timeoutSeconds": 5,
            "failureThreshold": 5,
        },
        # kubeadm's asks every ten seconds; a lab is there in one.
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": 8181, "scheme": "HTTP"},
            "periodSeconds": 1,
        },
    }
    spread = {
        "weight": 100,
        "podAffinityTerm": {
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": _LABELS},
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "coredns", "namespace": _NAMESPACE, "labels": _LABELS},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": _LABELS},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": {
                "metadata": {"labels": _LABELS},
                "spec": {
                    "serviceAccountName": "coredns",
                    "dnsPolicy": "Default",
                    "priorityClassName": "system-cluster-critical",
                    "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
                    "affinity": {
                        "podAntiAffinity": {
                            "preferredDuringSchedulingIgnoredDuringExecution": [spread]
                        }
                    },
                    "terminationGracePeriodSeconds": 5,
                    "containers": [container],
                },
            },
        },
    }
