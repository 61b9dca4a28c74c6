"""What may be stored beside what is stored already."""

from ipaddress import ip_address

import pytest

from netlab.apiserver.registry.admission import review_create, review_delete, review_update
from netlab.apiserver.registry.allocation import NODE_PORTS, service_networks
from netlab.apiserver.store import Store
from netlab.kube.objects import Key, Object, with_metadata, with_spec
from netlab.kube.status import StatusError


def service(name: str = "web", **spec: object) -> Object:
    metadata = {"name": name, "namespace": "default"}
    spec = {"type": "NodePort", "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def stored(store: Store, manifest: Object) -> Object:
    return store.create(review_create(store, manifest))


def test_a_node_port_is_free_again_when_its_service_is_gone(store: Store):
    stored(store, service(ports=[{"port": 80, "nodePort": 31704}]))
    with pytest.raises(StatusError, match="held by Service default/web"):
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


def test_a_load_balancer_stays_of_its_class(store: Store):
    made = stored(store, service(type="LoadBalancer", loadBalancerClass="netlab/proxy"))
    with pytest.raises(StatusError, match="may not change once set"):
        review_update(store, made, with_spec(made, loadBalancerClass="netlab/passthrough"))
    cluster = store.update(review_update(store, made, with_spec(made, type="ClusterIP")))
    assert "loadBalancerClass" not in cluster["spec"]
    again = with_spec(cluster, type="LoadBalancer", loadBalancerClass="netlab/passthrough")
    assert review_update(store, cluster, again)["spec"]["loadBalancerClass"] == "netlab/passthrough"


def test_a_headless_service_has_no_address(store: Store):
    made = stored(store, service(type="ClusterIP", clusterIP="None"))
    assert made["spec"]["clusterIPs"] == ["None"]
    assert "nodePort" not in made["spec"]["ports"][0]


def test_a_full_network_is_told(store: Store):
    cidr = store.require(Key("servicecidrs", "", "kubernetes"))
    store.update(with_spec(cidr, cidrs=["10.0.0.0/30"]))
    assert [str(one) for one in service_networks(store).values()] == ["10.0.0.0/30"]
    stored(store, service("one"))
    with pytest.raises(StatusError, match="is full"):
        review_create(store, service("two"))


@pytest.fixture
def dual_stack(store: Store) -> Store:
    cidr = store.require(Key("servicecidrs", "", "kubernetes"))
    store.update(with_spec(cidr, cidrs=["10.0.0.0/16", "fd00:10:96::/112"]))
    return store


def families_of(obj: Object) -> tuple[str, ...]:
    """Return the family of each ClusterIP, which must agree with what the Service says."""
    found = tuple(f"IPv{ip_address(one).version}" for one in obj["spec"]["clusterIPs"])
    assert list(found) == obj["spec"]["ipFamilies"]
    return found


@pytest.mark.parametrize(
    ("spec", "families"),
    [
        pytest.param({}, ("IPv4",), id="the main family, if it does not ask"),
        pytest.param({"ipFamilies": ["IPv6"]}, ("IPv6",), id="the one it asks for"),
        pytest.param({"clusterIP": "fd00:10:96::9"}, ("IPv6",), id="that of its address"),
        pytest.param({"ipFamilyPolicy": "PreferDualStack"}, ("IPv4", "IPv6"), id="both, if it may"),
        pytest.param(
            {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]},
            ("IPv6", "IPv4"),
            id="both, the one it names first",
        ),
    ],
)
def test_a_service_has_addresses_of_the_families_it_asks_for(
    dual_stack: Store, spec: dict[str, object], families: tuple[str, ...]
):
    assert families_of(stored(dual_stack, service(**spec))) == families


def test_a_service_gains_and_loses_its_second_family(dual_stack: Store):
    one = stored(dual_stack, service())
    both = with_spec(one, ipFamilyPolicy="PreferDualStack")
    both = dual_stack.update(review_update(dual_stack, one, both))
    assert families_of(both) == ("IPv4", "IPv6")
    single = review_update(dual_stack, both, with_spec(both, ipFamilyPolicy="SingleStack"))
    assert families_of(single) == ("IPv4",)
    assert single["spec"]["clusterIP"] == one["spec"]["clusterIP"]


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({"ipFamilies": ["IPv4", "IPv6"]}, "IP families"),
        ({"clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9", "fd00:10:96::9"]}, "cluster IPs"),
    ],
)
def test_who_asks_for_two_families_must_say_so_in_the_policy(
    dual_stack: Store, spec: dict[str, object], what: str
):
    with pytest.raises(StatusError, match=f"'PreferDualStack' when multiple {what} are"):
        review_create(dual_stack, service(**spec))


def test_a_service_that_is_replaced_without_a_policy_keeps_its_families(dual_stack: Store):
    both = stored(dual_stack, service(ipFamilyPolicy="PreferDualStack"))
    spec = {"type": "NodePort", "ports": [{"port": 81}]}
    replaced = review_update(dual_stack, both, {**both, "spec": spec})
    assert families_of(replaced) == ("IPv4", "IPv6")


def test_a_cluster_of_one_family_gives_one_address_or_refuses(store: Store):
    made = stored(store, service(ipFamilyPolicy="PreferDualStack"))
    assert families_of(made) == ("IPv4",)
    with pytest.raises(StatusError, match="not configured for dual-stack"):
        review_create(store, service("other", ipFamilyPolicy="RequireDualStack"))
    with pytest.raises(StatusError, match="not configured on this cluster"):
        review_create(store, service("other", ipFamilies=["IPv6"]))


def test_nothing_new_comes_into_a_namespace_that_goes(store: Store):
    namespace = store.require(Key("namespaces", "", "default"))
    store.update(with_metadata(namespace, deletionTimestamp="2027-01-15T08:00:00Z"))
    with pytest.raises(StatusError, match="being terminated"):
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
    with pytest.raises(StatusError) as refusal:
        review_delete(key)
    assert refusal.value.code == 403


def test_a_new_pod_has_no_ephemeral_containers(store: Store):
    container = {"name": "c", "image": "nginx"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [container], "ephemeralContainers": [{**container, "name": "e"}]},
    }
    with pytest.raises(
        StatusError, match=r"spec.ephemeralContainers: Forbidden: cannot be set on create"
    ):
        review_create(store, pod)
