"""What may be stored beside what is stored already."""

import pytest

from netlab.control.admission.allocation import NODE_PORTS, service_networks
from netlab.control.admission.review import review_create, review_delete, review_update
from netlab.control.failures import RequestRefusedError
from netlab.control.store import Store
from netlab.model.objects import Key, Object, with_metadata, with_spec


def service(name: str = "web", **spec: object) -> Object:
    metadata = {"name": name, "namespace": "default"}
    spec = {"type": "NodePort", "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def stored(store: Store, manifest: Object) -> Object:
    return store.create(review_create(store, manifest))


def test_a_node_port_is_free_again_when_its_service_is_gone(store: Store):
    stored(store, service(ports=[{"port": 80, "nodePort": 31704}]))
    with pytest.raises(RequestRefusedError, match="held by Service default/web"):
        review_create(store, service("other", ports=[{"port": 80, "nodePort": 31704}]))
    store.remove(Key("services", "default", "web"))
    assert review_create(store, service("other", ports=[{"port": 80, "nodePort": 31704}]))


def test_all_services_have_addresses_and_ports_of_their_own(store: Store):
    made = [stored(store, service(f"web-{place}")) for place in range(40)]
    addresses = {one["spec"]["clusterIP"] for one in made}
    ports = {one["spec"]["ports"][0]["nodePort"] for one in made}
    assert len(addresses) == len(ports) == 40
    assert ports < set(NODE_PORTS)


def test_a_local_load_balancer_has_a_health_check_port(store: Store):
    made = stored(store, service(type="LoadBalancer", externalTrafficPolicy="Local"))
    assert made["spec"]["healthCheckNodePort"] in NODE_PORTS
    cluster = with_spec(made, externalTrafficPolicy="Cluster")
    assert "healthCheckNodePort" not in review_update(store, made, cluster)["spec"]


def test_a_headless_service_has_no_address(store: Store):
    made = stored(store, service(type="ClusterIP", clusterIP="None"))
    assert made["spec"]["clusterIPs"] == ["None"]
    assert "nodePort" not in made["spec"]["ports"][0]


def test_a_full_network_is_told(store: Store):
    cidr = store.require(Key("servicecidrs", "", "kubernetes"))
    store.update(with_spec(cidr, cidrs=["10.0.0.0/30"]))
    assert [str(one) for one in service_networks(store).values()] == ["10.0.0.0/30"]
    stored(store, service("one"))
    with pytest.raises(RequestRefusedError, match="is full"):
        review_create(store, service("two"))


def test_nothing_new_comes_into_a_namespace_that_goes(store: Store):
    namespace = store.require(Key("namespaces", "", "default"))
    store.update(with_metadata(namespace, deletionTimestamp="2027-01-15T08:00:00Z"))
    with pytest.raises(RequestRefusedError, match="being terminated"):
        review_create(store, service())


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(Key("namespaces", "", "default"), id="the default namespace"),
        pytest.param(Key("nodes", "", "node1"), id="a node"),
        pytest.param(Key("services", "default", "kubernetes"), id="the Service of the API"),
    ],
)
def test_stays(key: Key):
    with pytest.raises(RequestRefusedError) as refusal:
        review_delete(key)
    assert refusal.value.code == 403
