"""State decides, history does not: rules after any changes are those compiled from nothing."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.kube.kinds.service.view import (
    Endpoint,
    EndpointPort,
    EndpointSlice,
    ProxyNode,
    Service,
    ServicePort,
)
from netlab.kubeproxy.health import health_check
from netlab.kubeproxy.iptables.compile import compile_ruleset
from netlab.kubeproxy.names import KUBE_PROXY
from netlab.kubeproxy.nftables.compile import compile_table
from netlab.kubeproxy.node_proxy import IptablesProxy, NftablesProxy
from netlab.kubeproxy.service_map import Name, ServiceMap
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.model.packets import Protocol
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.iptables.sync import sync_text
from netlab.netfilter.nftables.sync import partial_sync
from netlab.netfilter.nftables.table import Table

NODE = ProxyNode(name="node1", addresses=(ip_address("10.240.0.3"),), zone="here")
CONFIGURATION = ProxyConfiguration(cluster_cidrs=(ip_network("10.244.0.0/16"),))
NAMES = ("a", "b", "c")
CLUSTER_IPS = {name: ip_address(f"10.0.0.{number}") for number, name in enumerate(NAMES, 1)}
LARGE = 4

policies = st.sampled_from(["Cluster", "Local"])
ports = st.lists(
    st.builds(
        ServicePort,
        name=st.sampled_from(["http", "dns"]),
        protocol=st.sampled_from([Protocol.TCP, Protocol.UDP]),
        port=st.sampled_from([53, 80]),
        target_port=st.just(8080),
        node_port=st.sampled_from([None, 30080]),
    ),
    max_size=2,
    unique_by=lambda port: port.name,
).map(tuple)
endpoints = st.lists(
    st.builds(
        Endpoint,
        addresses=st.sampled_from([(ip_address(f"10.244.0.{n}"),) for n in (1, 2, 3)]),
        node_name=st.sampled_from(["node1", "node2", None]),
        ready=st.booleans(),
        terminating=st.booleans(),
        zone_hints=st.sampled_from([frozenset(), frozenset({"here"}), frozenset({"there"})]),
    ),
    max_size=3,
).map(tuple)
Change = Service | EndpointSlice | tuple[str, str]
"""An object as it is from now on, or the kind and name of one that goes."""


def services(name: str) -> st.SearchStrategy[Service]:
    return st.builds(
        Service,
        namespace=st.just("ns"),
        name=st.just(name),
        type=st.just("LoadBalancer"),
        cluster_ips=st.sampled_from([(), (CLUSTER_IPS[name],)]),
        ports=ports,
        load_balancer_vips=st.sampled_from([(), (ip_address("203.0.113.9"),)]),
        load_balancer_source_ranges=st.sampled_from([(), (ip_network("198.51.100.0/24"),)]),
        internal_traffic_policy=policies,
        external_traffic_policy=policies,
        health_check_node_port=st.sampled_from([None, 32000]),
        session_affinity=st.sampled_from(["None", "ClientIP"]),
    )


def slices(name: str) -> st.SearchStrategy[EndpointSlice]:
    return st.builds(
        EndpointSlice,
        namespace=st.just("ns"),
        name=st.just(name),
        service_name=st.sampled_from([*NAMES, ""]),
        address_type=st.sampled_from(["IPv4", "IPv4", "IPv6"]),
        ports=st.just((EndpointPort(name="http", port=8080), EndpointPort(name="dns", port=53))),
        endpoints=endpoints,
    )


names = st.sampled_from(NAMES)
changes: st.SearchStrategy[Change] = st.one_of(
    names.flatmap(services),
    names.flatmap(slices),
    st.tuples(st.sampled_from(["service", "slice"]), names),
)
histories = st.lists(st.lists(changes, min_size=1, max_size=3), min_size=1, max_size=8)


class World:
    """The objects, as the map that follows them sees them and as they are."""

    def __init__(self) -> None:
        self.map = ServiceMap()
        self.services: dict[str, Service] = {}
        self.slices: dict[str, EndpointSlice] = {}

    def change(self, change: Change) -> None:
        match change:
            case Service():
                self.services[change.name] = change
                self.map.set_service(Name("ns", change.name), change)
            case EndpointSlice():
                self.slices[change.name] = change
                self.map.set_slice(Name("ns", change.name), change)
            case ("service", name):
                self.services.pop(name, None)
                self.map.set_service(Name("ns", name), None)
            case (_, name):
                self.slices.pop(name, None)
                self.map.set_slice(Name("ns", name), None)

    def backwards(self) -> tuple[list[Service], list[EndpointSlice]]:
        return list(self.services.values())[::-1], list(self.slices.values())[::-1]

    def table(self) -> Table:
        return compile_table(NODE, *self.backwards(), CONFIGURATION, Family.IPV4)

    def ruleset(self) -> Ruleset:
        return compile_ruleset(NODE, *self.backwards(), CONFIGURATION, Family.IPV4)


@pytest.fixture(scope="module", autouse=True)
def _large_clusters_are_small() -> Iterator[None]:
    with mock.patch("netlab.kubeproxy.iptables.compile.LARGE_CLUSTER_ENDPOINTS", LARGE):
        yield


@given(histories)
def test_rules_after_any_history_are_those_compiled_from_nothing(history: list[list[Change]]):
    world = World()
    proxy = IptablesProxy(NODE, CONFIGURATION, Family.IPV4, world.map)
    for step in history:
        for change in step:
            world.change(change)
        proxy.update(world.map.take_changes())
    assert render(proxy.ruleset()) == render(world.ruleset())


@given(histories)
def test_a_table_after_any_history_is_that_compiled_from_nothing(history: list[list[Change]]):
    world = World()
    proxy = NftablesProxy(NODE, CONFIGURATION, Family.IPV4, world.map)
    for step in history:
        for change in step:
            world.change(change)
        proxy.update(world.map.take_changes())
    assert proxy.table() == world.table()


@given(histories)
def test_the_text_of_a_table_is_the_least_that_a_comparison_of_everything_finds(
    history: list[list[Change]],
):
    world = World()
    proxy = NftablesProxy(NODE, CONFIGURATION, Family.IPV4, world.map)
    held = world.table()
    for step in history:
        before = world.table()
        for change in step:
            world.change(change)
        text = proxy.update(world.map.take_changes()).tables
        if world.table() == before:
            assert text == ""
        else:
            expected = partial_sync(world.table(), held)
            held = expected.holds
            assert text == expected.text


@given(histories)
def test_the_text_of_a_change_is_the_least_that_a_comparison_of_everything_finds(
    history: list[list[Change]],
):
    world = World()
    proxy = IptablesProxy(NODE, CONFIGURATION, Family.IPV4, world.map)
    for step in history:
        before = world.ruleset()
        for change in step:
            world.change(change)
        text = proxy.update(world.map.take_changes()).iptables
        assert text == sync_text(world.ruleset(), before, KUBE_PROXY)


@given(histories)
def test_health_checks_follow_the_objects(history: list[list[Change]]):
    world = World()
    proxy = IptablesProxy(NODE, CONFIGURATION, Family.IPV4, world.map)
    for step in history:
        for change in step:
            world.change(change)
        proxy.update(world.map.take_changes())
    fresh = ServiceMap.of(*world.backwards())
    found = [health_check(NODE, fresh.get(name), Family.IPV4) for name in fresh.names()]
    assert sorted(proxy.health_checks, key=lambda check: check.name) == [c for c in found if c]
