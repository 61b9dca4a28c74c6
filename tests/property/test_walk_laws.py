"""Laws of the walk over compiled rules: shares, policies, and one meaning in text and value."""

from fractions import Fraction
from ipaddress import ip_address, ip_network

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
from netlab.kubeproxy.iptables.compile import compile_ruleset
from netlab.model.addresses import Address, Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.model.packets import Protocol
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.walk import Walker
from netlab.netfilter.verdicts import Packet, Verdict

States = list[tuple[str | None, bool, bool]]
"""Node, ready, and serving while it terminates, of each endpoint."""
Target = tuple[Address, int]

NODE = ProxyNode(name="node1", addresses=(ip_address("10.240.0.3"),))
CONFIGURATION = ProxyConfiguration(cluster_cidrs=(ip_network("10.244.0.0/16"),))
CLUSTER_IP, VIP = ip_address("10.0.0.80"), ip_address("203.0.113.10")
NODES = ("node1", "node2", None)
POLICIES = st.sampled_from(["Cluster", "Local"])

services = st.builds(
    Service,
    namespace=st.just("default"),
    name=st.just("web"),
    type=st.just("LoadBalancer"),
    cluster_ips=st.just((CLUSTER_IP,)),
    ports=st.just((ServicePort(port=80, target_port=8080, node_port=31700),)),
    load_balancer_vips=st.just((VIP,)),
    internal_traffic_policy=POLICIES,
    external_traffic_policy=POLICIES,
    session_affinity=st.sampled_from(["None", "ClientIP"]),
)
endpoints = st.lists(st.tuples(st.sampled_from(NODES), st.booleans(), st.booleans()), max_size=12)
targets = st.sampled_from([(CLUSTER_IP, 80), (VIP, 80), (NODE.addresses[0], 31700)])
sources = st.sampled_from(["198.51.100.7", "10.244.9.9", "10.244.0.1", "10.240.0.3", "127.0.0.1"])


def slice_of(states: States):
    return EndpointSlice(
        namespace="default",
        name="web-x",
        service_name="web",
        ports=(EndpointPort(port=8080),),
        endpoints=tuple(
            Endpoint(
                addresses=(ip_address(f"10.244.0.{number}"),),
                node_name=node,
                ready=ready,
                terminating=not ready and draining,
                serving=ready or draining,
            )
            for number, (node, ready, draining) in enumerate(states, 1)
        ),
    )


def packet(source: str, target: Target):
    destination, port = target
    return Packet(
        source=ip_address(source),
        destination=destination,
        protocol=Protocol.TCP,
        destination_port=port,
        is_made_here=source in ("10.240.0.3", "127.0.0.1"),
    )


def compiled(service: Service, states: States):
    return compile_ruleset(NODE, [service], [slice_of(states)], CONFIGURATION, Family.IPV4)


@given(services, endpoints, sources, targets)
def test_every_endpoint_has_the_same_share(
    service: Service, states: States, source: str, target: Target
):
    outcomes = Walker(compiled(service, states), NODE.addresses).walk(packet(source, target))
    found = [one.endpoint for one in outcomes]
    assert len(set(found)) == len(found)
    assert {one.chance for one in outcomes} == {Fraction(1, len(outcomes))}


@given(services, endpoints, targets)
def test_under_local_an_outsider_never_reaches_another_node(
    service: Service, states: States, target: Target
):
    outcomes = Walker(compiled(service, states), NODE.addresses).walk(
        packet("198.51.100.7", target)
    )
    policy = (
        service.internal_traffic_policy
        if target[0] == CLUSTER_IP
        else service.external_traffic_policy
    )
    if policy == "Local":
        here = {f"10.244.0.{n}:8080" for n, (node, _, _) in enumerate(states, 1) if node == "node1"}
        assert {one.endpoint for one in outcomes if one.endpoint} <= here
        if target[0] != CLUSTER_IP:
            assert not any(one.is_masqueraded for one in outcomes)


@given(services, endpoints, sources, targets)
def test_text_walks_as_the_value_does(
    service: Service, states: States, source: str, target: Target
):
    ruleset = compiled(service, states)
    again = parse(render(ruleset), Family.IPV4)
    asked = packet(source, target)
    walked = Walker(again, NODE.addresses).walk(asked)
    assert walked == Walker(ruleset, NODE.addresses).walk(asked)


@given(services, endpoints, sources, targets)
def test_no_packet_for_a_service_is_left_without_an_answer(
    service: Service, states: States, source: str, target: Target
):
    """Save one: what the node itself sends to a VIP without endpoints meets no rule of filter."""
    outcomes = Walker(compiled(service, states), NODE.addresses).walk(packet(source, target))
    leaves = source in ("10.240.0.3", "127.0.0.1") and target[0] == VIP
    if not leaves:
        assert Verdict.NONE not in {one.verdict for one in outcomes}
