"""Rules follow Services, and a refusal is reported and tried again."""

import asyncio

import pytest

from netlab.control.admission.review import review_create
from netlab.control.store import Store
from netlab.kernel.requests import Restore, SaveRules
from netlab.lab.kube_proxy import FULL_PERIOD_S, KubeProxy
from netlab.lab.nodes import store_nodes
from netlab.model.names import NetnsName
from netlab.model.objects import Key, Object, with_metadata
from netlab.model.topology import Topology
from netlab.proxy.health import HEALTH_TIMEOUT_S

NODE1, NODE2 = NetnsName("netlab-default-node1"), NetnsName("netlab-default-node2")
ROUTER = NetnsName("netlab-default-router")
NOW = 1_800_000_000.0
ALL = {NODE1, NODE2, ROUTER}


def service(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "NodePort", "ports": [{"port": 80}]},
    }


class Launcher:
    """Takes every text, but from the namespaces that refuse; holds no rules."""

    def __init__(self) -> None:
        self.restored: list[dict[NetnsName, str]] = []
        self.read: list[NetnsName] = []
        self.refuses: dict[NetnsName, str] = {}

    async def __call__(self, request: object) -> dict[NetnsName, str]:
        if isinstance(request, SaveRules):
            self.read += request.netns
            return dict.fromkeys(request.netns, "")
        if not isinstance(request, Restore):
            return {}
        self.restored.append(dict(request.texts))
        return {name: why for name, why in self.refuses.items() if name in request.texts}


@pytest.fixture
def launcher() -> Launcher:
    return Launcher()


@pytest.fixture
def proxy(store: Store, topology: Topology, launcher: Launcher) -> KubeProxy:
    store_nodes(store, topology, NOW)
    return KubeProxy("default", store, launcher, clock=lambda: NOW)


def test_every_node_and_the_router_get_rules(
    proxy: KubeProxy, topology: Topology, launcher: Launcher
):
    assert asyncio.run(proxy.sync(topology)) == 3
    assert launcher.restored[0].keys() == ALL
    assert set(launcher.read) == ALL
    assert "KUBE-SERVICES" in launcher.restored[0][NODE1]
    assert "192.0.2.3" in launcher.restored[0][ROUTER]


def test_nothing_is_done_while_nothing_changes(
    proxy: KubeProxy, topology: Topology, launcher: Launcher
):
    asyncio.run(proxy.sync(topology))
    assert asyncio.run(proxy.sync(topology)) == 0
    assert len(launcher.restored) == 1


def test_new_namespaces_need_no_reading(proxy: KubeProxy, topology: Topology, launcher: Launcher):
    proxy.start_empty(ALL)
    asyncio.run(proxy.sync(topology))
    assert launcher.read == []


def test_a_new_service_changes_the_nodes_and_not_the_router(
    proxy: KubeProxy, store: Store, topology: Topology, launcher: Launcher
):
    asyncio.run(proxy.sync(topology))
    store.create(review_create(store, service("web")))
    assert asyncio.run(proxy.sync(topology)) == 2
    assert launcher.restored[1].keys() == {NODE1, NODE2}
    assert "default/web" in launcher.restored[1][NODE1]


def test_a_refusal_is_told_and_the_node_read_again(
    proxy: KubeProxy, topology: Topology, launcher: Launcher
):
    launcher.refuses = {NODE2: "line 3 failed"}
    assert asyncio.run(proxy.sync(topology)) == 2
    assert proxy.refusals == {NODE2: "line 3 failed"}
    launcher.refuses, launcher.read = {}, []
    assert asyncio.run(proxy.sync(topology)) == 1
    assert launcher.read == [NODE2]
    assert proxy.refusals == {}


def test_rules_that_may_have_been_touched_are_read_back(
    proxy: KubeProxy, topology: Topology, launcher: Launcher
):
    asyncio.run(proxy.sync(topology))
    launcher.read = []
    proxy.forget({NODE1})
    asyncio.run(proxy.sync(topology))
    assert launcher.read == [NODE1]


def test_a_change_of_a_node_has_that_nodes_rules_read_back(
    proxy: KubeProxy, store: Store, topology: Topology, launcher: Launcher
):
    asyncio.run(proxy.sync(topology))
    launcher.read = []
    node = store.get(Key("nodes", "", "node2"))
    assert node is not None
    store.update(with_metadata(node, labels={"topology.kubernetes.io/zone": "elsewhere"}))
    asyncio.run(proxy.sync(topology))
    assert launcher.read == [NODE2]


def test_every_hour_all_rules_are_read_back(
    proxy: KubeProxy, topology: Topology, launcher: Launcher
):
    asyncio.run(proxy.sync(topology))
    launcher.read = []
    assert proxy.full_sync_when_due(NOW + FULL_PERIOD_S - 1) == NOW + FULL_PERIOD_S
    assert asyncio.run(proxy.sync(topology)) == 0
    assert proxy.full_sync_when_due(NOW + FULL_PERIOD_S) == NOW + 2 * FULL_PERIOD_S
    asyncio.run(proxy.sync(topology))
    assert set(launcher.read) == ALL


def test_a_node_whose_text_was_refused_grows_unhealthy(
    store: Store, topology: Topology, launcher: Launcher
):
    time = [NOW]
    store_nodes(store, topology, NOW)
    proxy = KubeProxy("default", store, launcher, clock=lambda: time[0])
    asyncio.run(proxy.sync(topology))
    launcher.refuses = {NODE2: "line 3 failed"}
    store.create(review_create(store, service("web")))
    asyncio.run(proxy.sync(topology))
    assert proxy.health(NODE2).is_healthy(NOW + HEALTH_TIMEOUT_S - 1)
    assert not proxy.health(NODE2).is_healthy(NOW + HEALTH_TIMEOUT_S)
    assert proxy.health(NODE1).is_healthy(NOW + HEALTH_TIMEOUT_S)


def test_the_text_that_a_host_is_to_hold_is_known(proxy: KubeProxy, topology: Topology):
    assert "-A KUBE-MARK-MASQ -j MARK" in (proxy.wanted_text(topology, "node1") or "")
    assert "192.0.2.3" in (proxy.wanted_text(topology, "router") or "")
    assert proxy.wanted_text(topology, "client") is None
