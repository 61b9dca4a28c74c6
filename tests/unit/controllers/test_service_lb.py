"""Load balancers of Services, one step at a time."""

from ipaddress import ip_network

import pytest

from netlab.apiserver.changes import Change, Update
from netlab.controllers.service_lb import step
from netlab.kube.cloud_config import CloudConfig, cloud_config_object, cloud_config_of
from netlab.kube.events import Record
from netlab.kube.objects import Object, annotations_of, status_of
from netlab.model.addresses import Family
from netlab.model.topology import LoadBalancerClass
from tests.unit.topology_samples import topology_of

CLOUD = CloudConfig(
    pools={
        Family.IPV4: ip_network("203.0.113.0/29"),
        Family.IPV6: ip_network("2001:db8:203::/64"),
    },
    default_class=LoadBalancerClass.PASSTHROUGH,
    gives_hostnames=False,
)
HOSTNAMES = CloudConfig(
    pools=CLOUD.pools, default_class=LoadBalancerClass.PROXY, gives_hostnames=True
)


def service(
    name: str = "web", status: object = None, annotations: object = None, **spec: object
) -> Object:
    ports = [{"port": 80, "nodePort": 30080, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "namespace": "default",
            "name": name,
            "uid": name,
            "annotations": annotations or {},
        },
        "spec": {"type": "LoadBalancer", "ipFamilies": ["IPv4"], "ports": ports, **spec},
        "status": status or {"loadBalancer": {}},
    }


def holding(name: str, *addresses: str, **spec: object) -> Object:
    ingress = [{"ip": address, "ipMode": "VIP"} for address in addresses]
    return service(name, {"loadBalancer": {"ingress": ingress}}, **spec)


def stored(changes: list[Change]) -> Object | None:
    found = [change.object for change in changes if isinstance(change, Update)]
    return found[-1] if found else None


def ingress(changes: list[Change]) -> list[dict[str, str]]:
    found = stored(changes)
    assert found is not None
    return list(status_of(found)["loadBalancer"].get("ingress", []))


def said(changes: list[Change]) -> list[tuple[str, str]]:
    return [(one.reason, one.message) for one in changes if isinstance(one, Record)]


def test_a_service_gets_the_lowest_free_address_and_two_events():
    changes = step(service(), [holding("a", "203.0.113.1"), holding("b", "203.0.113.3")], CLOUD)
    assert ingress(changes) == [{"ip": "203.0.113.2", "ipMode": "VIP"}]
    assert said(changes) == [
        ("EnsuringLoadBalancer", "Ensuring load balancer"),
        ("EnsuredLoadBalancer", "Ensured load balancer"),
    ]


def test_what_a_service_holds_it_keeps_without_a_word():
    assert step(holding("web", "203.0.113.5"), [], CLOUD) == []


@pytest.mark.parametrize(
    ("mine", "addresses"),
    [
        pytest.param(service(ipFamilies=["IPv6"]), ["2001:db8:203::1"], id="IPv6"),
        pytest.param(
            service(ipFamilies=["IPv6", "IPv4"]), ["2001:db8:203::1", "203.0.113.1"], id="both"
        ),
        pytest.param(
            holding("web", "203.0.113.4", ipFamilies=["IPv4", "IPv6"]),
            ["203.0.113.4", "2001:db8:203::1"],
            id="a family more",
        ),
        pytest.param(service(loadBalancerIP="203.0.113.6"), ["203.0.113.6"], id="one it asks for"),
        pytest.param(
            holding("web", "203.0.113.4", loadBalancerIP="203.0.113.6"),
            ["203.0.113.6"],
            id="another than it holds",
        ),
        pytest.param(holding("web", "192.0.2.1"), ["203.0.113.1"], id="one of no pool"),
    ],
)
def test_a_service_has_an_address_of_each_of_its_families(mine: Object, addresses: list[str]):
    assert [one["ip"] for one in ingress(step(mine, [], CLOUD))] == addresses


TAKEN = [holding("other", "203.0.113.6")]
FULL = [holding(f"s{number}", f"203.0.113.{number}") for number in range(1, 7)]
UDP = [{"port": 53, "protocol": "UDP", "nodePort": 30053}]


@pytest.mark.parametrize(
    ("mine", "others", "why"),
    [
        pytest.param(
            service(), FULL, "no address of the pool 203.0.113.0/29 is free", id="an empty pool"
        ),
        pytest.param(
            service(loadBalancerIP="203.0.113.6"),
            TAKEN,
            "loadBalancerIP 203.0.113.6 is held by Service default/other",
            id="somebody else's",
        ),
        pytest.param(
            service(loadBalancerIP="10.0.0.1"),
            [],
            "loadBalancerIP 10.0.0.1 is not in the pool 203.0.113.0/29",
            id="one of no pool",
        ),
        pytest.param(
            service(loadBalancerClass="netlab/proxy", ports=UDP),
            [],
            "netlab/proxy serves TCP alone, and port 53 is UDP",
            id="UDP by proxy",
        ),
        pytest.param(
            service(loadBalancerClass="netlab/proxy", ports=[{"port": 80}]),
            [],
            "netlab/proxy needs node ports, and port 80 has none",
            id="a proxy without node ports",
        ),
        pytest.param(
            service(loadBalancerClass="netlab/proxy", annotations={"netlab/proxy-protocol": "v3"}),
            [],
            "annotation netlab/proxy-protocol must be v1 or v2: v3",
            id="PROXY protocol of tomorrow",
        ),
    ],
)
def test_a_service_that_cannot_have_an_address_is_told_why(
    mine: Object, others: list[Object], why: str
):
    changes = step(mine, others, CLOUD)
    assert stored(changes) is None
    [(reason, message)] = said(changes)
    assert reason == "SyncLoadBalancerFailed"
    assert message.startswith("Error syncing load balancer: failed to ensure load balancer: ")
    assert why in message


def test_an_address_that_is_another_services_is_given_up():
    changes = step(holding("web", "203.0.113.6", loadBalancerIP="203.0.113.6"), TAKEN, CLOUD)
    assert ingress(changes) == []


def test_a_service_that_is_no_load_balancer_any_more_gives_its_address_back():
    changes = step(holding("web", "203.0.113.5", type="NodePort"), [], CLOUD)
    assert ingress(changes) == []
    assert [reason for reason, _ in said(changes)] == [
        "DeletingLoadBalancer",
        "DeletedLoadBalancer",
    ]
    assert step(service(type="ClusterIP"), [], CLOUD) == []


def test_a_class_that_the_lab_has_not_is_told_and_left_alone():
    asked = service(loadBalancerClass="example.com/other")
    [(reason, message)] = said(step(asked, [], CLOUD))
    assert reason == "UnknownLoadBalancerClass"
    assert "netlab/passthrough and netlab/proxy" in message
    assert step(holding("web", "192.0.2.1", loadBalancerClass="example.com/other"), [], CLOUD) == []


def test_a_proxys_address_is_not_for_the_nodes_rules():
    changes = step(service(loadBalancerClass="netlab/proxy"), [], CLOUD)
    assert ingress(changes) == [{"ip": "203.0.113.1", "ipMode": "Proxy"}]


def test_a_host_name_hides_an_address_that_stays_the_same():
    changes = step(service(), [], HOSTNAMES)
    assert ingress(changes) == [{"hostname": "web.default.elb.netlab.test"}]
    found = stored(changes)
    assert found is not None
    assert annotations_of(found) == {"netlab/load-balancer-ip": "203.0.113.1"}
    assert step(found, [], HOSTNAMES) == []
    assert ingress(step(service("other"), [found], HOSTNAMES)) == [
        {"hostname": "other.default.elb.netlab.test"}
    ]
    back = step({**found, "spec": {**found["spec"], "type": "ClusterIP"}}, [], HOSTNAMES)
    after = stored(back)
    assert after is not None
    assert annotations_of(after) == {}


def test_an_address_that_packets_keep_is_told():
    changes = step(service(loadBalancerClass="netlab/passthrough"), [], HOSTNAMES)
    assert ingress(changes) == [{"ip": "203.0.113.1", "ipMode": "VIP"}]


def test_the_clouds_configuration_is_the_topologys():
    topology = topology_of(
        "{ipFamilies: [IPv6, IPv4], loadBalancer: {class: netlab/proxy, hostnames: true}}"
    )
    found = cloud_config_of(cloud_config_object(topology))
    assert found is not None
    assert list(found.pools) == [Family.IPV6, Family.IPV4]
    assert (found.default_class, found.gives_hostnames) == (LoadBalancerClass.PROXY, True)
    assert cloud_config_of(None) is None
    assert cloud_config_of({"data": {"load-balancer-pools": "nonsense"}}) is None
