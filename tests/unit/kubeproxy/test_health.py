"""Who is told that a node is well, and when."""

import json
from ipaddress import ip_address

import pytest

from netlab.kube.kinds.service.view import Endpoint, EndpointSlice, ProxyNode, Service
from netlab.kubeproxy.health import (
    HealthCheck,
    ProxyHealth,
    health_check,
    health_check_answer,
    is_eligible,
    proxy_health_answer,
)
from netlab.kubeproxy.service_map import ServiceEndpoints
from netlab.model.addresses import Family

NODE = ProxyNode(name="node1", addresses=(ip_address("10.240.0.3"),))
LOCAL = {"type": "LoadBalancer", "external_traffic_policy": "Local", "health_check_node_port": 3000}


def service(**fields: object) -> Service:
    address = (ip_address("10.0.0.7"),)
    return Service(**{"namespace": "ns", "name": "web", "cluster_ips": address, **LOCAL, **fields})


def pieces(*endpoints: tuple[str, str, bool]) -> list[EndpointSlice]:
    """Return one slice for each endpoint: its address, its node, whether it is ready."""
    return [
        EndpointSlice(
            namespace="ns",
            name=f"web-{number}",
            service_name="web",
            endpoints=(
                Endpoint(
                    addresses=(ip_address(address),),
                    node_name=node,
                    ready=ready,
                    serving=True,
                    terminating=not ready,
                ),
            ),
        )
        for number, (address, node, ready) in enumerate(endpoints)
    ]


@pytest.mark.parametrize(
    ("endpoints", "count"),
    [
        pytest.param([], 0, id="no endpoint at all"),
        pytest.param([("10.1.0.2", "node2", True)], 0, id="one on another node"),
        pytest.param([("10.1.0.2", "node1", True)], 1, id="one here"),
        pytest.param([("10.1.0.2", "node1", True)] * 2, 1, id="one here, in two slices"),
        pytest.param([("10.1.0.2", "node1", False)], 0, id="one here that is terminating"),
    ],
)
def test_the_ready_endpoints_of_the_node_are_counted(
    endpoints: list[tuple[str, str, bool]], count: int
):
    served = ServiceEndpoints(service(), tuple(pieces(*endpoints)))
    check = health_check(NODE, served, Family.IPV4)
    assert check == HealthCheck(namespace="ns", name="web", port=3000, local_endpoints=count)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"type": "NodePort"}, id="no load balancer"),
        pytest.param({"external_traffic_policy": "Cluster"}, id="policy Cluster"),
        pytest.param({"health_check_node_port": None}, id="no port given yet"),
        pytest.param({"is_skipped": True}, id="another proxy's"),
    ],
)
def test_other_services_have_no_health_check(fields: dict[str, object]):
    assert health_check(NODE, ServiceEndpoints(service(**fields)), Family.IPV4) is None


def test_a_health_check_answers_as_kube_proxy_does_byte_for_byte():
    check = HealthCheck(namespace="ns", name="web", port=3000, local_endpoints=2)
    answer = health_check_answer(check, proxy_is_healthy=True)
    assert answer.status == 200
    assert dict(answer.headers) == {
        "Content-Type": "application/json",
        "X-Content-Type-Options": "nosniff",
        "X-Load-Balancing-Endpoint-Weight": "2",
    }
    assert answer.body == (
        '{\n\t"service": {\n\t\t"namespace": "ns",\n\t\t"name": "web"\n\t},\n'
        '\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}'
    )


@pytest.mark.parametrize(
    ("count", "healthy", "status"), [(3, True, 200), (0, True, 503), (3, False, 503)]
)
def test_a_health_check_needs_an_endpoint_and_a_healthy_proxy(
    count: int, healthy: bool, status: int
):
    check = HealthCheck(namespace="ns", name="web", port=3000, local_endpoints=count)
    assert health_check_answer(check, proxy_is_healthy=healthy).status == status


@pytest.mark.parametrize(
    ("queued_at", "eligible", "status"),
    [
        pytest.param(None, True, 200, id="nothing waits"),
        pytest.param(941.0, True, 200, id="a change waits, but not for long"),
        pytest.param(940.0, True, 503, id="a change has waited for a minute"),
        pytest.param(None, False, 503, id="the node is to go"),
        pytest.param(None, None, 200, id="livez does not ask for the node"),
        pytest.param(940.0, None, 503, id="livez asks for changes that wait"),
    ],
)
def test_a_proxy_is_healthy_while_no_change_waits_for_long(
    queued_at: float | None, eligible: bool | None, status: int
):
    health = {Family.IPV4: ProxyHealth(updated_at=900.0, queued_at=queued_at)}
    answer = proxy_health_answer(health, now=1000.0, stamp=_stamp, eligible=eligible)
    assert answer.status == status
    document = json.loads(answer.body)
    late = queued_at == 940.0
    assert document["lastUpdated"] == ("then" if late else "now")
    assert document["healthy"] is (status == 200)
    assert document["status"] == {"IPv4": {"lastUpdated": "then", "healthy": not late}}
    assert ("nodeEligible" in document) is (eligible is not None)
    assert answer.body.startswith('{"lastUpdated":"')


def test_a_node_is_healthy_when_it_is_so_in_every_family():
    health = {
        Family.IPV4: ProxyHealth(updated_at=1000.0),
        Family.IPV6: ProxyHealth(updated_at=900.0, queued_at=900.0),
    }
    answer = proxy_health_answer(health, now=1000.0, stamp=_stamp, eligible=None)
    assert answer.status == 503
    assert json.loads(answer.body)["status"] == {
        "IPv4": {"lastUpdated": "now", "healthy": True},
        "IPv6": {"lastUpdated": "then", "healthy": False},
    }


def _stamp(seconds: float) -> str:
    return {1000.0: "now", 900.0: "then"}[seconds]


@pytest.mark.parametrize(
    ("node", "eligible"),
    [
        pytest.param(None, False, id="it is gone"),
        pytest.param({}, True, id="it has nothing against it"),
        pytest.param({"spec": {"taints": [{"key": "other"}]}}, True, id="another taint"),
        pytest.param({"spec": {"taints": None}}, True, id="no taints"),
        pytest.param(
            {"spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler"}]}},
            False,
            id="the autoscaler removes it",
        ),
        pytest.param({"metadata": {"deletionTimestamp": "x"}}, False, id="it is being deleted"),
    ],
)
def test_a_node_that_is_to_go_is_not_eligible(node: dict[str, object] | None, eligible: bool):
    assert is_eligible(node) is eligible
