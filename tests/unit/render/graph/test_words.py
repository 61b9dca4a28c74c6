"""Pods that fold, and what is said of Services."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.model.graph import GraphEndpoint, GraphPod, GraphPort
from netlab.render.graph.words import behind, clipped, fold, kind, service_addresses
from tests.unit.graph_samples import EMPTY, SMALL, WEB, dual, large, node, pod, service


def test_few_pods_are_drawn_one_by_one():
    assert [(one.name, one.details()) for one in fold(WEB, 2)] == [
        ("web-1", ["10.244.1.2"]),
        ("web-2", ["10.244.1.3, not ready"]),
    ]
    assert fold(EMPTY, 2) == []


def test_of_many_pods_those_with_one_owner_become_one():
    folded = fold(large().nodes[0], 5)

    assert [(one.name, one.addresses) for one in folded] == [
        ("agent-1", ("10.244.1.2",)),
        ("storefront-746d9df86c x9", ("10.244.1.3 … .11",)),
    ]
    assert len(folded[1].members) == 9
    assert len(fold(large().nodes[0], None)) == 10


def test_what_is_still_too_much_becomes_the_rest():
    alone = node(1, *(pod(1, at, f"pod-{at}", is_ready=at != 9) for at in range(2, 10)))

    folded = fold(alone, 3)

    assert [one.name for one in folded] == ["pod-2", "pod-3", "6 more pods"]
    assert folded[2].late == "1 not ready"
    assert sum(len(one.members) for one in folded) == 8


def test_a_pod_without_an_address_says_so():
    waiting = GraphPod(name="new", addresses=(), is_ready=False)
    assert fold(node(1, waiting), 5)[0].details() == ["no address, not ready"]


def test_a_service_says_where_it_is_called():
    web = SMALL.services[0]
    six = replace(
        web,
        cluster_ips=(ip_address("fd00::1"),),
        external=(ip_address("203.0.113.1"),),
        ports=(GraphPort(name="", protocol="UDP", port=53),),
    )

    assert service_addresses(web) == ["10.0.55.247:80/TCP http, NodePort 31704"]
    assert service_addresses(six) == ["[fd00::1]:53, 203.0.113.1:53/UDP"]
    assert kind(web) == "NodePort, externalTrafficPolicy Cluster"
    assert kind(SMALL.services[1]) == "ClusterIP, headless"


def test_a_service_says_what_is_behind_it():
    web, none = SMALL.services

    assert behind(web, 3) == [
        "web-1 10.244.1.2:8080 on node1",
        "web-2 10.244.1.3:8080 on node1, not ready",
    ]
    assert behind(web, 1) == ["2 endpoints: 2 on node1; 1 not ready"]
    assert behind(none, 3) == ["no endpoint"]
    assert behind(large().services[0], 4) == ["100 endpoints: 10 on each of 10 nodes"]


def test_a_pod_of_two_families_is_one_endpoint():
    web = dual().services[0]

    assert behind(web, 1) == ["web-1 10.244.1.2:8080, [fd00:10:244:1::2]:8080 on node1, not ready"]


def test_pods_of_two_families_have_a_range_of_each():
    web = dual().nodes[0].pods[0]
    other = replace(web, name="web-2", addresses=(ip_address("fd00:10:244:1::b"),))
    third = replace(web, name="web-3", addresses=(ip_address("10.244.1.9"),))

    [folded] = fold(replace(dual().nodes[0], pods=(web, other, third)), 1)

    assert folded.details() == ["10.244.1.2 … .9", "fd00:10:244:1::2 … :b, 3 not ready"]


def test_an_endpoint_that_is_no_pod_is_its_address():
    outside = GraphEndpoint(address=ip_address("192.0.2.9"), ports=())
    assert behind(replace(service("web"), endpoints=(outside,)), 3) == ["192.0.2.9"]


@pytest.mark.parametrize(
    ("room", "shown"), [(9, "web-front"), (8, "web-…ont"), (3, "w…t"), (2, "…"), (0, "")]
)
def test_text_without_room_keeps_its_beginning_and_its_end(room: int, shown: str):
    assert clipped("web-front", room) == shown
    assert len(clipped("web-front", room)) <= max(room, 0)
