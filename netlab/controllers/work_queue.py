"""Which work a change of an object makes for which controller.

Every rule here leads from one changed object to the few others that depend on it, so that the work
after a change is in proportion to the change and not to the size of the lab.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from netlab.apiserver.store import Store
from netlab.controllers.endpointslice.slices import SERVICE_NAME
from netlab.kube.objects import (
    Key,
    Object,
    controller_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    owners_of,
    spec_of,
    status_of,
    uid_of,
)


class Step(IntEnum):
    """The controllers, in the order in which they run.

    ReplicaSets come before Deployments, so that a rollout never decides on stale counts.
    """

    GARBAGE = 0
    NAMESPACE = 1
    SCHEDULING = 2
    ADDRESSING = 3
    REPLICASET = 4
    DEPLOYMENT = 5
    BACKENDS = 6
    MIRROR = 7


class Work(NamedTuple):
    """One thing to look at."""

    step: Step
    key: Key
    """The object to look at; for scheduling, which looks at all, any one."""


SCHEDULING = Work(Step.SCHEDULING, Key("pods", "", ""))


def work_after(store: Store, key: Key, old: Object | None, new: Object | None) -> Iterator[Work]:
    """Yield what has to be looked at after the object at ``key`` went from ``old`` to ``new``."""
    yield from _ownership(store, key, old, new)
    for obj in (old, new):
        if obj is not None:
            yield from _dependents(store, key, obj)
    if key.resource == "nodes" and (old is None or new is None or labels_of(old) != labels_of(new)):
        for service in store.list_("services"):
            yield from _backends(namespace_of(service), name_of(service))


def _dependents(store: Store, key: Key, obj: Object) -> Iterator[Work]:
    match key.resource:
        case "pods":
            yield from _pod(store, key, obj)
        case "nodes":
            yield from (SCHEDULING, Work(Step.ADDRESSING, key))
        case "replicasets":
            yield Work(Step.REPLICASET, key)
            yield from _controllers(store, obj)
        case "deployments":
            yield Work(Step.DEPLOYMENT, key)
        case "services" | "endpoints":
            yield from _backends(key.namespace, key.name)
        case "endpointslices":
            yield from _backends(key.namespace, labels_of(obj).get(SERVICE_NAME, ""))
        case _:
            pass


def _ownership(store: Store, key: Key, old: Object | None, new: Object | None) -> Iterator[Work]:
    if new is None and old is not None:
        for dependent in store.index.owned(uid_of(old)):
            yield Work(Step.GARBAGE, dependent)
    elif new is not None and (old is None or owners_of(old) != owners_of(new)):
        yield Work(Step.GARBAGE, key)
    if key.resource == "namespaces":
        yield Work(Step.NAMESPACE, key)
        return
    namespace = store.get(Key("namespaces", "", key.namespace))
    if namespace is not None and is_terminating(namespace):
        yield Work(Step.NAMESPACE, Key("namespaces", "", key.namespace))


def _pod(store: Store, key: Key, pod: Object) -> Iterator[Work]:
    node = spec_of(pod).get("nodeName")
    if not node:
        yield SCHEDULING
    elif not status_of(pod).get("podIP") or store.get(key) is None:
        yield Work(Step.ADDRESSING, Key("nodes", "", node))
        yield SCHEDULING
    yield from _controllers(store, pod)
    for replicaset in store.index.selecting("replicasets", pod):
        yield Work(Step.REPLICASET, replicaset)
    for service in store.index.selecting("services", pod):
        yield Work(Step.BACKENDS, service)


def _controllers(store: Store, obj: Object) -> Iterator[Work]:
    """Yield the ReplicaSet of a pod, the Deployment of that, and so on."""
    controller = controller_of(obj)
    key = store.index.holder(controller["uid"]) if controller is not None else None
    owner = store.get(key) if key is not None else None
    if key is None or owner is None:
        return
    if key.resource == "replicasets":
        yield Work(Step.REPLICASET, key)
        yield from _controllers(store, owner)
    elif key.resource == "deployments":
        yield Work(Step.DEPLOYMENT, key)


def _backends(namespace: str, service: str) -> Iterator[Work]:
    if service:
        yield Work(Step.BACKENDS, Key("services", namespace, service))
        yield Work(Step.MIRROR, Key("endpoints", namespace, service))
