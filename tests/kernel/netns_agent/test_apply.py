"""Plans carried out in real namespaces, and read back: the kernel agrees with the plan."""

import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netlab.errors import KernelError
from netlab.linux import netns, netns_names
from netlab.model.addresses import Family
from netlab.model.links import LabState, NextHop
from netlab.model.names import host_netns, pod_netns
from netlab.model.pods import PodPlacement
from netlab.model.topology import Cni, Topology
from netlab.model.vips import Vip
from netlab.netns_agent.apply import apply
from netlab.netns_agent.read import read_lab
from netlab.plan import ops
from netlab.plan.build import build_lab
from netlab.plan.diff import diff
from tests.unit.topology_samples import topology_of

pytestmark = pytest.mark.kernel

TOPOLOGY = topology_of("{nodes: 2}")
PODS = tuple(
    PodPlacement(
        namespace="default",
        name=f"web-{number}",
        node=f"node{number}",
        addresses=(ip_address(f"10.244.{number}.2"),),
    )
    for number in (1, 2)
)
DUAL_STACK = topology_of("{nodes: 2, ipFamilies: [IPv4, IPv6]}")
DUAL_STACK_PODS = tuple(
    replace(pod, addresses=(*pod.addresses, ip_address(f"fd00:10:244:{number}::2")))
    for number, pod in enumerate(PODS, start=1)
)
LABS = {"IPv4": (TOPOLOGY, PODS), "both families": (DUAL_STACK, DUAL_STACK_PODS)}
MOVED = replace(PODS[0], node="node2", addresses=(ip_address("10.244.2.3"),))
READDRESSED = replace(TOPOLOGY.nodes[0], addresses=(ip_address("10.240.0.9"),))


@pytest.fixture
def lab() -> Iterator[str]:
    name = f"t{secrets.randbelow(10**8)}"
    yield name
    for found in netns_names.names_of(name):
        netns.delete(found)


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout


def have_default_routes(lab: str, topology: Topology) -> bool:
    """Return whether each host but the router has a gateway of each family, by ``ip route``."""
    names = [name for name in netns_names.names_of(lab) if not name.endswith("router")]
    flags = {Family.IPV4: "-4", Family.IPV6: "-6"}
    return all(
        ip(flags[family], "-n", name, "route", "show", "default").startswith("default via")
        for name in names
        for family in topology.families
    )


def reach(want: LabState, lab: str) -> None:
    apply(diff(read_lab(lab), want))


@pytest.mark.parametrize("families", LABS)
@pytest.mark.parametrize("cni", Cni)
def test_what_was_built_is_what_was_planned(lab: str, cni: Cni, families: str):
    topology, pods = LABS[families]
    want = build_lab(lab, replace(topology, cni=cni), pods)
    apply(diff({}, want))
    assert diff(read_lab(lab), want) == []


def test_doing_it_twice_is_doing_it_once(lab: str):
    want = build_lab(lab, TOPOLOGY, PODS)
    apply(diff({}, want))
    apply(diff({}, want))
    assert diff(read_lab(lab), want) == []


def vips(topology: Topology, *names: str, is_local: bool = False) -> list[Vip]:
    """Return an address of each family that leads to these nodes."""
    return [
        Vip(
            address=networks.vips[5],
            nexthops=tuple(
                NextHop(gateway=node.addresses[place], weight=1 + place)
                for node in topology.nodes
                if node.name in names
            ),
            is_local=is_local,
        )
        for place, networks in enumerate(topology.networks)
    ]


@pytest.mark.parametrize("families", LABS)
def test_the_ways_of_a_load_balancers_address_change_in_place(lab: str, families: str):
    topology, pods = LABS[families]
    apply(diff({}, build_lab(lab, topology, pods)))
    for names, is_local in (
        (("node1", "node2"), False),
        (("node2",), False),
        (("node1", "node2"), False),
        ((), False),
        ((), True),
        (("node1",), False),
        ((), False),
    ):
        want = build_lab(lab, topology, pods, vips(topology, *names, is_local=is_local))
        have = read_lab(lab)
        operations = diff(have, want)
        assert not (names and any(isinstance(op, ops.DeleteRoute) for op in operations))
        apply(operations)
        assert diff(read_lab(lab), want) == []


@pytest.mark.parametrize(
    ("topology", "pods"),
    [
        pytest.param(replace(TOPOLOGY, mtu=1400), PODS, id="another MTU"),
        pytest.param(replace(TOPOLOGY, cni=Cni.BRIDGE), PODS, id="another CNI"),
        pytest.param(
            replace(TOPOLOGY, nodes=(READDRESSED, TOPOLOGY.nodes[1])), PODS, id="a node moves"
        ),
        pytest.param(TOPOLOGY, (MOVED, PODS[1]), id="a pod moves to another node"),
        pytest.param(replace(TOPOLOGY, nodes=TOPOLOGY.nodes[:1]), PODS[:1], id="a node less"),
        pytest.param(replace(TOPOLOGY, clients=()), (), id="no client and no pod"),
        pytest.param(DUAL_STACK, DUAL_STACK_PODS, id="IPv6 comes"),
    ],
)
def test_a_changed_plan_is_reached_with_every_route(
    lab: str, topology: Topology, pods: tuple[PodPlacement, ...]
):
    have = build_lab(lab, TOPOLOGY, PODS)
    want = build_lab(lab, topology, pods)
    apply(diff({}, have))
    apply(diff(have, want))
    assert diff(read_lab(lab), want) == []
    assert have_default_routes(lab, topology)


def test_a_family_that_goes_leaves_no_address_behind(lab: str):
    want = build_lab(lab, TOPOLOGY, PODS)
    apply(diff({}, build_lab(lab, DUAL_STACK, DUAL_STACK_PODS)))
    reach(want, lab)
    assert diff(read_lab(lab), want) == []
    assert ip("-6", "-n", host_netns(lab, "node1"), "address", "show", "dev", "eth0") == ""


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("netns delete {pod}", id="the name of a pod's namespace"),
        pytest.param("-n {node} link delete veth-web-1", id="the node's end of a pod's wire"),
        pytest.param("-n {node} link set eth0 down", id="a node's interface"),
        pytest.param("-n {node} link set eth0 mtu 9000", id="the size of a node's packets"),
        pytest.param("-n {node} address flush dev eth0", id="a node's address"),
        pytest.param("-n {node} route flush proto static", id="a node's routes"),
        pytest.param("-6 -n {node} route flush proto static", id="a node's routes of IPv6"),
        pytest.param("-n {pod} link set eth0 address 02:00:00:00:00:99", id="a pod's MAC address"),
    ],
)
@pytest.mark.parametrize("families", LABS)
@pytest.mark.parametrize("cni", Cni)
def test_what_someone_broke_is_mended(lab: str, cni: Cni, families: str, damage: str):
    topology, pods = LABS[families]
    want = build_lab(lab, replace(topology, cni=cni), pods)
    apply(diff({}, want))
    pod = pod_netns(lab, "default", "web-1")
    # A process keeps a namespace, and with it the wire, when its name goes.
    with subprocess.Popen(["ip", "netns", "exec", pod, "cat"], stdin=subprocess.PIPE) as process:
        ip(*damage.format(node=host_netns(lab, "node1"), pod=pod).split())
        reach(want, lab)
        assert diff(read_lab(lab), want) == []
        assert have_default_routes(lab, topology)
        process.kill()


def test_a_refusal_quotes_the_command(lab: str):
    name = host_netns(lab, "node1")
    op = ops.AddRoute(
        netns=name, destination=ip_network("0.0.0.0/0"), gateway=ip_address("10.240.0.1")
    )
    with pytest.raises(KernelError) as refused:
        apply([ops.CreateNetns(netns=name), op])
    assert str(refused.value) == f"{op}: Network is unreachable"


def test_an_operation_on_a_namespace_that_is_not_there_is_refused(lab: str):
    name = host_netns(lab, "node1")
    with pytest.raises(KernelError, match="no such network namespace"):
        apply([ops.SetLinkUp(netns=name, ifname="eth0")])
