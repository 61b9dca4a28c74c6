"""Give every namespace a ServiceAccount ``default``, and the certificate of the API to trust.

Source: Kubernetes, ``pkg/controller/serviceaccount/serviceaccounts_controller.go`` and
``pkg/controller/certificates/rootcacertpublisher``.
"""

from collections.abc import Iterator
from typing import Final

from netlab.apiserver.bootstrap import AUTHENTICATION, CLIENT_CA
from netlab.apiserver.changes import Change, Create, Outcome, update_if_changed
from netlab.controllers.controller import Changed, Controller, Objects
from netlab.kube.objects import Key, Object, is_terminating, name_of

ROOT_CA: Final = "kube-root-ca.crt"

_DESCRIPTION: Final = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the namespace at ``key``."""
    del now
    namespace = objects.get(key)
    if namespace is None or is_terminating(namespace):
        return Outcome()
    changes: list[Change] = []
    if objects.get(Key("serviceaccounts", key.name, "default")) is None:
        changes.append(Create(object=_service_account(key.name)))
    source = objects.get(AUTHENTICATION)
    authority = ((source or {}).get("data") or {}).get(CLIENT_CA)
    if authority:
        present = objects.get(Key("configmaps", key.name, ROOT_CA))
        changes.extend(_published(key.name, present, authority))
    return Outcome(changes=changes)


def _of_namespace(objects: Objects, changed: Changed) -> Iterator[Key]:
    del objects
    yield Key("namespaces", "", changed.key.namespace or changed.key.name)


def _of_config_map(objects: Objects, changed: Changed) -> Iterator[Key]:
    if changed.key == AUTHENTICATION:
        for namespace in objects.list_("namespaces"):
            yield Key("namespaces", "", name_of(namespace))
    elif changed.key.name == ROOT_CA:
        yield Key("namespaces", "", changed.key.namespace)


CONTROLLER: Final = Controller(
    name="serviceaccount",
    watches={
        "namespaces": _of_namespace,
        "serviceaccounts": _of_namespace,
        "configmaps": _of_config_map,
    },
    step=sync,
)


def _service_account(namespace: str) -> Object:
    metadata = {"name": "default", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _published(namespace: str, present: Object | None, authority: str) -> tuple[Change, ...]:
    data = {"ca.crt": authority}
    if present is not None:
        return update_if_changed(present, {**present, "data": data})
    metadata = {
        "name": ROOT_CA,
        "namespace": namespace,
        "annotations": {"kubernetes.io/description": _DESCRIPTION},
    }
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    return (Create(object=wanted),)
