"""A lab's objects with all controllers, and a kubelet that starts and ends pods at once."""

import random  # noqa: TID251 seeded, so that tests repeat
from collections.abc import Callable
from ipaddress import ip_network

from netlab.apiserver.bootstrap import bootstrap
from netlab.apiserver.store import Store
from netlab.controllers.reconcile import Reconciler
from netlab.kube.defaults import with_defaults
from netlab.kube.kinds.pod.status import containers_started
from netlab.kube.objects import Key, Object, is_terminating, name_of
from netlab.kube.resources import key_of

NOW = 1_800_000_000.0
READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}


def node(number: int, **spec: object):
    name = f"node{number}"
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"z{number}"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"podCIDR": f"10.244.{number}.0/29", **spec},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"10.240.0.{number + 2}"}],
            "conditions": [READY],
        },
    }


def pod(name: str, **spec: object):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "echo:1"}], **spec},
    }


def deployment(replicas: int = 2, image: str = "echo:1", **spec: object):
    container = {"name": "c", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [container]},
            },
            **spec,
        },
    }


def service(**spec: object):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "selector": {"app": "web"},
            "clusterIP": "10.0.9.9",
            "ipFamilies": ["IPv4"],
            "ports": [{"port": 80, "targetPort": "http"}],
            **spec,
        },
    }


class Cluster:
    def __init__(self, nodes: int = 2) -> None:
        self.now = NOW
        self.store = Store(None, clock=lambda: self.now, random=random.Random(1))  # noqa: S311
        bootstrap(self.store, [ip_network("10.0.0.0/16")])
        self.reconciler = Reconciler(self.store)
        for number in range(1, nodes + 1):
            self.store.create(node(number))

    def create(self, obj: Object):
        created = self.store.create(with_defaults(obj))
        self.run()
        return created

    def run(self, seconds: float = 0.0):
        self.now += seconds
        return self.reconciler.settle(self.now)

    def list(self, kind: str):
        return [one for one in self.store.list_(kind) if name_of(one) != "kubernetes"]

    @property
    def pods(self):
        return self.list("pods")

    def start_pods(self):
        """Do a node's work: start what is new, remove what has ended."""
        for one in self.pods:
            if is_terminating(one):
                self.store.remove(key_of(one))
            elif one["status"].get("podIP") and one["status"]["phase"] == "Pending":
                self.store.update(containers_started(one, self.now))
        self.run(1)

    def change(self, kind: str, name: str, edit: Callable[[Object], Object]):
        self.store.update(edit(self.store.require(Key(kind, "default", name))))
        self.run()

    def endpoints(self):
        return {
            endpoint["targetRef"]["name"]: endpoint["conditions"]
            for one in self.list("endpointslices")
            for endpoint in one["endpoints"]
        }
