from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netlab.model.links import LabState, NetnsState
from netlab.model.pods import PodPlacement
from netlab.model.topology import Cni, Topology
from netlab.plan import ops
from netlab.plan.build import build_lab
from netlab.plan.diff import diff
from netlab.plan.ops import Op

NODE = "netlab-default-node1"


@pytest.fixture(params=Cni)
def lab(request: pytest.FixtureRequest, topology: Topology, pod: PodPlacement) -> LabState:
    return build_lab("default", replace(topology, cni=request.param), [pod])


def commands(operations: list[Op], netns: str = NODE) -> list[str]:
    """Return the commands for one namespace, without what is the same in all of them."""
    return [str(op).replace(f"ip -n {netns} ", "") for op in operations if op.netns == netns]


def position(operations: list[Op], kind: type, netns: str, ifname: str = "") -> int:
    return next(
        at
        for at, op in enumerate(operations)
        if isinstance(op, kind) and op.netns == netns and getattr(op, "ifname", "") == ifname
    )


def test_each_kind_of_work_is_done_before_the_next_begins(lab: LabState):
    phases = [
        (ops.CreateNetns, ops.SetSysctl),
        (ops.CreateBridge, ops.CreateVeth),
        (ops.DisableOffloads, ops.AddAddress, ops.SetLinkUp, ops.SetHairpin, ops.AddRoute),
    ]
    order = [
        next(number for number, kinds in enumerate(phases) if isinstance(op, kinds))
        for op in diff({}, lab)
    ]
    assert order == sorted(order)


def test_a_bridge_is_there_before_its_ports_join_it(lab: LabState):
    operations = diff({}, lab)
    for at, op in enumerate(operations):
        if isinstance(op, ops.SetLinkUp) and op.master:
            assert position(operations, ops.CreateBridge, op.netns, op.master) < at


def test_a_link_has_its_address_before_it_is_up_and_its_routes_after(lab: LabState):
    operations = diff({}, lab)
    netns = "netlab-default-default.web-1"
    wanted = [ops.DisableOffloads, ops.AddAddress, ops.SetLinkUp]
    found = [position(operations, kind, netns, "eth0") for kind in wanted]
    assert found == sorted(found)
    assert isinstance(operations[-1], ops.AddRoute)


def test_a_namespace_that_is_not_wanted_goes_first(lab: LabState):
    less = {name: state for name, state in lab.items() if name != "netlab-default-client"}
    operations = diff(lab, less | {"netlab-default-router": lab["netlab-default-router"]})
    assert str(operations[0]) == "ip netns delete netlab-default-client"


@pytest.mark.parametrize(
    ("before", "want"),
    [
        pytest.param(
            "10.240.0.9",
            [
                "ip netns exec netlab-default-node1 ethtool -K eth0 tx off tso off gso off gro off",
                "address delete 10.240.0.9/24 dev eth0",
                "address replace 10.240.0.3/24 brd + dev eth0",
                "link set eth0 up",
                "route replace default via 10.240.0.1 proto static",
                "route replace 10.244.2.0/24 via 10.240.0.4 proto static",
            ],
            id="routes go with the last address of their link and are laid again",
        ),
        pytest.param("10.240.0.3", [], id="nothing is done when nothing has changed"),
    ],
)
def test_a_node_changes_its_address(topology: Topology, before: str, want: list[str]):
    moved = replace(topology.nodes[0], addresses=(ip_address(before),))
    have = build_lab("default", replace(topology, nodes=(moved, topology.nodes[1])), [])
    assert commands(diff(have, build_lab("default", topology, []))) == want


def test_routes_through_a_link_made_anew_are_laid_again(topology: Topology, pod: PodPlacement):
    have = build_lab("default", replace(topology, mtu=1400), [pod])
    operations = diff(have, build_lab("default", topology, [pod]))
    assert commands(operations, "netlab-default-default.web-1")[-2:] == [
        "route replace 10.244.1.1/32 dev eth0 proto static",
        "route replace default via 10.244.1.1 proto static",
    ]


def test_half_a_veth_pair_makes_way_for_a_whole_one(lab: LabState):
    have = {**lab, "netlab-default-default.web-1": NetnsState()}
    operations = diff(have, lab)
    old = position(operations, ops.DeleteLink, NODE, "veth-web-1")
    new = position(operations, ops.CreateVeth, NODE, "veth-web-1")
    assert old < new
    assert commands(operations)[-1].startswith(("link set veth-web-1", "route replace 10.244.1.2"))


def test_a_pod_that_goes_takes_only_what_is_its_own(topology: Topology, pod: PodPlacement):
    have = build_lab("default", topology, [pod])
    assert [str(op) for op in diff(have, build_lab("default", topology, []))] == [
        "ip netns delete netlab-default-default.web-1",
        f"ip -n {NODE} link delete veth-web-1",
    ]


def test_a_route_that_is_not_wanted_goes(topology: Topology):
    have = build_lab("default", topology, [])
    want = build_lab("default", replace(topology, nodes=topology.nodes[:1]), [])
    assert commands(diff(have, want)) == ["route delete 10.244.2.0/24 via 10.240.0.4"]


def test_a_setting_that_someone_changed_is_set_back(lab: LabState):
    changed = tuple(replace(sysctl, value="5") for sysctl in lab[NODE].sysctls[:1])
    have = {**lab, NODE: replace(lab[NODE], sysctls=changed + lab[NODE].sysctls[1:])}
    setting = lab[NODE].sysctls[0]
    assert commands(diff(have, lab)) == [
        f"ip netns exec {NODE} sysctl -q -w {setting.key}={setting.value}"
    ]


def test_a_setting_of_a_module_that_is_not_loaded_is_not_tried_again(lab: LabState):
    present = tuple(sysctl for sysctl in lab[NODE].sysctls if not sysctl.if_present)
    assert diff({**lab, NODE: replace(lab[NODE], sysctls=present)}, lab) == []


def test_a_bridge_without_ports_may_have_the_size_of_the_kernels_choice(topology: Topology):
    want = build_lab("default", replace(topology, cni=Cni.BRIDGE), [])
    eth0, cni0 = want[NODE].links
    have = {**want, NODE: replace(want[NODE], links=(eth0, replace(cni0, mtu=1500)))}
    assert diff(have, want) == []


def test_the_order_in_which_the_kernel_lists_things_does_not_matter(lab: LabState):
    have = {
        name: replace(
            state, sysctls=state.sysctls[::-1], links=state.links[::-1], routes=state.routes[::-1]
        )
        for name, state in lab.items()
    }
    assert diff(have, lab) == []


def test_a_route_to_a_network_that_moved_is_replaced(topology: Topology):
    other = replace(topology.nodes[1], pod_cidrs=(ip_network("10.244.9.0/24"),))
    want = build_lab("default", replace(topology, nodes=(topology.nodes[0], other)), [])
    assert commands(diff(build_lab("default", topology, []), want)) == [
        "route delete 10.244.2.0/24 via 10.240.0.4",
        "route replace 10.244.9.0/24 via 10.240.0.4 proto static",
    ]
