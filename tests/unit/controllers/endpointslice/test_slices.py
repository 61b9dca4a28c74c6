"""Endpoints in slices, and the steps that make them."""

from netlab.apiserver.changes import Create, Delete, Update
from netlab.controllers import endpointslice_mirroring, garbage_collector, namespace, pod_addresses
from netlab.controllers.endpointslice.backends import resolve_ports, selects
from netlab.controllers.endpointslice.slices import MANAGED_BY, SERVICE_NAME, Group, Origin, pack
from netlab.kube.objects import Object

PORTS = (("", "TCP", 8080, ""),)
GROUP: Group = ("IPv4", PORTS)
OWNER: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default", "uid": "u"},
}
ORIGIN = Origin(owner=OWNER, labels={SERVICE_NAME: "web", MANAGED_BY: "netlab"})


def endpoints(first: int, last: int) -> list[Object]:
    return [{"addresses": [f"10.244.1.{host}"]} for host in range(first, last)]


def made(*changes: object) -> list[Object]:
    return [
        {**one.object, "metadata": {**one.object["metadata"], "name": f"web-{place}"}}
        for place, one in enumerate(changes)
        if isinstance(one, Create)
    ]


def test_new_endpoints_fill_slices_of_a_hundred():
    slices = made(*pack(ORIGIN, {GROUP: endpoints(0, 150)}, []))
    assert [len(one["endpoints"]) for one in slices] == [100, 50]
    assert slices[0]["ports"] == [{"name": "", "protocol": "TCP", "port": 8080}]


def test_an_endpoint_stays_in_its_slice_and_new_ones_go_where_there_is_room():
    slices = made(*pack(ORIGIN, {GROUP: endpoints(0, 150)}, []))
    (change,) = pack(ORIGIN, {GROUP: endpoints(0, 151)}, slices)
    assert isinstance(change, Update)
    assert change.object["metadata"]["name"] == "web-1"
    assert len(change.object["endpoints"]) == 51


def test_a_slice_that_runs_empty_goes_but_the_last_one_stays():
    slices = made(*pack(ORIGIN, {GROUP: endpoints(0, 150)}, []))
    (gone,) = pack(ORIGIN, {GROUP: endpoints(0, 100)}, slices)
    assert isinstance(gone, Delete)
    first, second = pack(ORIGIN, {GROUP: []}, slices)
    assert isinstance(first, Update)
    assert first.object["endpoints"] == []
    assert isinstance(second, Delete)


def test_a_named_port_is_looked_up_in_each_pod():
    service: Object = {"spec": {"selector": {"a": "b"}, "ports": [{"port": 80, "targetPort": "x"}]}}
    ports = [{"name": "x", "containerPort": 81, "protocol": "TCP"}]
    pod: Object = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "ports": ports}]},
    }
    assert selects(service, pod)
    assert resolve_ports(service, pod) == (("", "TCP", 81, ""),)
    assert resolve_ports(service, {"spec": {"containers": []}}) == ()
    assert not selects({"spec": {}}, pod)


def test_a_pod_of_the_nodes_network_has_the_nodes_address():
    addresses = [{"type": "InternalIP", "address": "10.240.0.3"}]
    node: Object = {
        "metadata": {"name": "node1"},
        "spec": {"podCIDR": "10.244.1.0/24"},
        "status": {"addresses": addresses},
    }
    (change,) = pod_addresses.step(node, [{"spec": {"hostNetwork": True}}])
    assert isinstance(change, Update)
    assert change.object["status"]["podIP"] == "10.240.0.3"


def test_what_still_has_an_owner_stays():
    owners = [{"uid": "gone"}, {"uid": "there"}]
    pod: Object = {"kind": "Pod", "metadata": {"name": "web", "ownerReferences": owners}}
    there: Object = {"metadata": {"name": "owner"}}
    assert garbage_collector.collect(pod, {"there": there}.get) == ()
    assert len(garbage_collector.collect(pod, lambda _: None)) == 1


def test_endpoints_that_ask_for_it_are_not_mirrored():
    labels = {endpointslice_mirroring.SKIP: "true"}
    subsets = [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}]
    written: Object = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": "default", "uid": "e"},
        "subsets": subsets,
    }
    assert len(endpointslice_mirroring.step(written, OWNER, [])) == 1
    skipped = {**written, "metadata": {**written["metadata"], "labels": labels}}
    assert endpointslice_mirroring.step(skipped, OWNER, []) == []
    assert endpointslice_mirroring.step(written, None, []) == []


def test_a_namespace_that_is_wanted_is_skipped():
    assert namespace.step({"metadata": {"name": "default"}}, []) == []
