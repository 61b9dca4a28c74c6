"""Laws of the controllers: whatever happens in whatever order, they come to rest in one place."""

import random  # noqa: TID251 seeded, so that tests repeat
from ipaddress import ip_network
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.apiserver.bootstrap import bootstrap
from netlab.apiserver.registry.deletion import delete
from netlab.apiserver.store import Store
from netlab.controllers.reconcile import Reconciler
from netlab.kube.conditions import is_true
from netlab.kube.defaults import with_defaults
from netlab.kube.kinds.pod.status import Exit, container_exited, containers_started
from netlab.kube.objects import Key, Object, is_terminating, name_of, with_spec
from netlab.kube.resources import key_of

NOW: Final = 1_800_000_000.0

_LABELS: Final = {"app": "web"}
_TEMPLATE: Final[Object] = {
    "metadata": {"labels": _LABELS},
    "spec": {"containers": [{"name": "c", "image": "echo:1"}]},
}
_DEPLOYMENT: Final[Object] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"replicas": 2, "selector": {"matchLabels": _LABELS}, "template": _TEMPLATE},
}
_SERVICE: Final[Object] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"selector": _LABELS, "ipFamilies": ["IPv4"], "ports": [{"port": 80}]},
}


def _node(number: int) -> Object:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2027-01-01T00:00:00Z"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"node{number}"},
        "spec": {"podCIDR": f"10.244.{number}.0/24"},
        "status": {"conditions": [ready]},
    }


def _new_store() -> Store:
    store = Store(None, clock=lambda: NOW, random=random.Random(1))  # noqa: S311
    bootstrap(store, [ip_network("10.0.0.0/16")])
    return store


def _happen(store: Store, event: tuple[str, int]) -> None:
    """Let one thing happen, if what it happens to is there."""
    what, number = event
    pods = store.list_("pods")
    web = Key("deployments", "default", "web")
    if what == "scale" and store.get(web) is not None:
        store.update(with_spec(store.require(web), replicas=number))
    elif what == "start" and pods:
        pod = pods[number % len(pods)]
        if pod["status"].get("podIP"):
            store.update(containers_started(pod, NOW))
    elif what == "exit" and pods:
        store.update(container_exited(pods[number % len(pods)], "c", Exit(code=1), NOW))
    elif what == "delete" and pods:
        delete(store, key_of(pods[number % len(pods)]), NOW)
    elif what == "gone" and pods:
        store.remove(key_of(pods[number % len(pods)]))


_EVENTS: Final = st.lists(
    st.tuples(
        st.sampled_from(["scale", "start", "exit", "delete", "gone", "reconcile"]),
        st.integers(0, 6),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(events=_EVENTS, order=st.permutations([_node(1), _node(2), _SERVICE, _DEPLOYMENT]))
def test_controllers_come_to_rest_with_true_endpoints(
    events: list[tuple[str, int]], order: list[Object]
):
    store = _new_store()
    reconciler = Reconciler(store)
    for obj in order:
        store.create(with_defaults(obj))
        reconciler.reconcile(NOW)
    for event in events:
        _happen(store, event)
        if event[0] == "reconcile":
            reconciler.reconcile(NOW)
    reconciler.reconcile(NOW)

    version = store.version
    Reconciler(store).reconcile(NOW)
    assert store.version == version, "a second look changes nothing"
    pods = store.list_("pods")
    living = [pod for pod in pods if not is_terminating(pod)]
    wanted = store.require(Key("deployments", "default", "web"))["spec"]["replicas"]
    assert len(living) == wanted
    addresses = [pod["status"]["podIP"] for pod in pods]
    assert len(addresses) == len(set(addresses))
    (one,) = store.list_("endpointslices")
    ready = {
        endpoint["targetRef"]["name"]: endpoint["conditions"]["ready"]
        for endpoint in one["endpoints"]
    }
    assert ready == {
        name_of(pod): is_true(pod, "Ready") and not is_terminating(pod) for pod in pods
    }
