"""What kube-proxy's ports of a node answer."""

import asyncio
import json

import pytest

from netlab.apiserver.store import Store
from netlab.kube.objects import Object
from netlab.kubelet.node_status import store_nodes
from netlab.kubeproxy.proxier import KubeProxy
from netlab.kubeproxy.servers import HEALTH_PORT, PROXY_PORT, Listener, ProxyServers
from netlab.model.names import NetnsFamily, NetnsName
from netlab.model.topology import Topology

EVERYWHERE = "0.0.0.0"  # noqa: S104 (of a namespace)
NODE1 = NetnsName("netlab-default-node1")
NOW = 1_800_000_000.25
SERVICE: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "type": "LoadBalancer",
        "clusterIP": "10.0.0.77",
        "externalTrafficPolicy": "Local",
        "internalTrafficPolicy": "Local",
        "healthCheckNodePort": 31000,
        "ports": [{"port": 80, "nodePort": 30080}],
    },
}
SLICE: Object = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {
        "name": "web-1",
        "namespace": "default",
        "labels": {"kubernetes.io/service-name": "web"},
    },
    "addressType": "IPv4",
    "ports": [{"port": 8080}],
    "endpoints": [{"addresses": ["10.244.2.2"], "nodeName": "node2"}],
}


async def _empty_kernel(request: object) -> dict[NetnsFamily, str]:
    return dict.fromkeys(getattr(request, "places", ()), "")


@pytest.fixture
def listeners(store: Store, topology: Topology) -> ProxyServers:
    store_nodes(store, topology, NOW)
    for obj in (SERVICE, SLICE):
        store.create(obj)
    proxy = KubeProxy("default", store, _empty_kernel, clock=lambda: NOW)
    proxy.mark_empty({NODE1, NetnsName("netlab-default-node2"), NetnsName("netlab-default-router")})
    asyncio.run(proxy.sync(topology))
    return ProxyServers(proxy, store, lambda: NOW)


def listener(port: int) -> Listener:
    return Listener(
        netns=NODE1, address="127.0.0.1" if port == PROXY_PORT else EVERYWHERE, port=port
    )


def test_each_node_has_kube_proxys_ports_and_those_of_the_services(listeners: ProxyServers):
    found = sorted((one.netns[-5:], one.address, one.port) for one in listeners.listeners())
    assert found == [
        (node, address, port)
        for node in ("node1", "node2")
        for address, port in ((EVERYWHERE, 10256), (EVERYWHERE, 31000), ("127.0.0.1", 10249))
    ]


@pytest.mark.parametrize(
    ("port", "path", "status", "body"),
    [
        (PROXY_PORT, "/proxyMode", 200, "iptables"),
        (PROXY_PORT, "/healthz", 200, "ok"),
        (PROXY_PORT, "/", 404, "404 page not found\n"),
        (HEALTH_PORT, "/metrics", 404, "404 page not found\n"),
        (39999, "/", 404, "404 page not found\n"),
    ],
)
def test_a_path_has_its_answer(
    listeners: ProxyServers, port: int, path: str, status: int, body: str
):
    answer = listeners.answer(listener(port), path)
    assert (answer.status, answer.body) == (status, body)


def test_the_configuration_in_force_is_shown(listeners: ProxyServers):
    answer = listeners.answer(listener(PROXY_PORT), "/configz")
    assert answer.headers["Content-Type"] == "application/json"
    shown = json.loads(answer.body)["kubeproxy.config.k8s.io"]
    assert (shown["mode"], shown["clusterCIDR"]) == ("iptables", "10.244.0.0/16")


def test_times_are_said_to_the_microsecond(listeners: ProxyServers):
    document = json.loads(listeners.answer(listener(HEALTH_PORT), "/livez").body)
    assert document["currentTime"] == "2027-01-15T08:00:00.250000Z"


def test_metrics_count_who_asked_and_which_services_have_no_endpoint_here(listeners: ProxyServers):
    for path in ("/healthz", "/healthz", "/livez"):
        listeners.answer(listener(HEALTH_PORT), path)
    lines = listeners.answer(listener(PROXY_PORT), "/metrics").body.splitlines()
    assert 'kubeproxy_proxy_healthz_total{code="200"} 2.0' in lines
    assert 'kubeproxy_proxy_livez_total{code="200"} 1.0' in lines
    name = 'kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv4",traffic_policy='
    assert f'{name}"internal"}} 1.0' in lines
    assert f'{name}"external"}} 1.0' in lines


def test_a_health_check_port_answers_to_any_path(listeners: ProxyServers):
    answer = listeners.answer(listener(31000), "/whatever")
    assert answer.status == 503
    assert json.loads(answer.body)["localEndpoints"] == 0
