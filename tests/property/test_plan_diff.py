"""Laws of the plan, held against a small kernel in memory that takes away what the real one does.

The kernel here is strict where the real one is lenient: making what is there already is a fault.
"""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from itertools import product
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from netlab.cni import sysctls
from netlab.model.links import Interface, LabState, Link, NetnsState, NextHop, Route, Sysctl
from netlab.model.names import NetnsName
from netlab.model.pods import PodPlacement
from netlab.model.topology import (
    Cni,
    Networks,
    Topology,
    TopologyClient,
    TopologyNode,
)
from netlab.model.vips import Vip
from netlab.plan import ops
from netlab.plan.build import build_lab
from netlab.plan.diff import diff
from netlab.plan.ops import Op

LinkId = tuple[NetnsName, str]

DEFAULTS: Final = {key: Sysctl(key=key, value="unset") for key in sysctls.KEYS}
"""What a new namespace has, br_netfilter being loaded."""


@dataclass
class Device:
    mac: str
    mtu: int
    peer: LinkId | None
    is_up: bool = False
    has_offloads: bool = True
    master: str | None = None
    hairpin: bool = False
    addresses: list[Interface] = field(default_factory=list)


@dataclass
class Namespace:
    sysctls: dict[str, Sysctl] = field(default_factory=lambda: dict(DEFAULTS))
    devices: dict[str, Device] = field(default_factory=dict)
    routes: dict[object, tuple[Route, str]] = field(default_factory=dict)
    """By destination: the route, and the device it was found to lead through."""


class MemoryKernel:
    """Namespaces, links, addresses and routes, changed by operations."""

    def __init__(self) -> None:
        self.namespaces: dict[NetnsName, Namespace] = {}

    def apply(self, operations: Iterable[Op]) -> None:
        for op in operations:
            getattr(self, f"_{type(op).__name__}")(op)

    def read(self) -> LabState:
        """Return what ``netlab.netns_agent.read`` would: it knows no peers."""
        return {
            name: NetnsState(
                sysctls=tuple(namespace.sysctls.values()),
                links=tuple(
                    Link(
                        ifname=ifname,
                        mac=device.mac,
                        mtu=device.mtu,
                        addresses=tuple(device.addresses) if device.is_up else (),
                        master=device.master if device.is_up else None,
                        hairpin=device.hairpin,
                    )
                    for ifname, device in namespace.devices.items()
                ),
                routes=tuple(route for route, _ in namespace.routes.values()),
            )
            for name, namespace in self.namespaces.items()
        }

    def remove(self, netns: NetnsName, ifname: str) -> None:
        namespace = self.namespaces[netns]
        device = namespace.devices.pop(ifname)
        for other in namespace.devices.values():
            if other.master == ifname:
                other.master, other.hairpin = None, False
        self._adjust_mtu(namespace, device.master)
        self.flush(namespace, ifname)
        if device.peer and device.peer[0] in self.namespaces:
            there = self.namespaces[device.peer[0]].devices.get(device.peer[1])
            if there and there.peer == (netns, ifname):
                self.remove(*device.peer)

    def flush(self, namespace: Namespace, ifname: str) -> None:
        for destination, (_, through) in list(namespace.routes.items()):
            if through == ifname:
                del namespace.routes[destination]

    def _device(self, op: ops.SetLinkUp | ops.AddAddress | ops.DeleteAddress) -> Device:
        return self.namespaces[op.netns].devices[op.ifname]

    def _make(self, netns: NetnsName, ifname: str, device: Device) -> None:
        assert ifname not in self.namespaces[netns].devices, f"{ifname} is in {netns} already"
        self.namespaces[netns].devices[ifname] = device

    def _CreateNetns(self, op: ops.CreateNetns) -> None:  # noqa: N802 (the operation's name)
        assert op.netns not in self.namespaces
        self.namespaces[op.netns] = Namespace()

    def _DeleteNetns(self, op: ops.DeleteNetns) -> None:  # noqa: N802
        for ifname in list(self.namespaces[op.netns].devices):
            if ifname in self.namespaces[op.netns].devices:
                self.remove(op.netns, ifname)
        del self.namespaces[op.netns]

    def _SetSysctl(self, op: ops.SetSysctl) -> None:  # noqa: N802
        assert not self.namespaces[op.netns].devices, "a link took its defaults before"
        present = self.namespaces[op.netns].sysctls[op.key]
        self.namespaces[op.netns].sysctls[op.key] = replace(present, value=op.value)

    def _CreateBridge(self, op: ops.CreateBridge) -> None:  # noqa: N802
        self._make(op.netns, op.ifname, Device(op.mac, op.mtu, None))

    def _CreateVeth(self, op: ops.CreateVeth) -> None:  # noqa: N802
        peer = (op.peer.netns, op.peer.ifname)
        self._make(op.netns, op.ifname, Device(op.mac, op.mtu, peer))
        self._make(*peer, Device(op.peer.mac, op.mtu, (op.netns, op.ifname)))

    def _DeleteLink(self, op: ops.DeleteLink) -> None:  # noqa: N802
        if op.ifname in self.namespaces[op.netns].devices:
            self.remove(op.netns, op.ifname)

    def _DisableOffloads(self, op: ops.DisableOffloads) -> None:  # noqa: N802
        self.namespaces[op.netns].devices[op.ifname].has_offloads = False

    def _SetLinkUp(self, op: ops.SetLinkUp) -> None:  # noqa: N802
        device = self._device(op)
        device.is_up = True
        if op.master:
            assert self.namespaces[op.netns].devices[op.master].peer is None, "no bridge"
            device.master = op.master
            self._adjust_mtu(self.namespaces[op.netns], op.master)

    def _adjust_mtu(self, namespace: Namespace, bridge: str | None) -> None:
        if bridge in namespace.devices:
            ports = [port.mtu for port in namespace.devices.values() if port.master == bridge]
            namespace.devices[bridge].mtu = min(ports, default=1500)

    def _SetHairpin(self, op: ops.SetHairpin) -> None:  # noqa: N802
        device = self.namespaces[op.netns].devices[op.ifname]
        assert device.master, "only the port of a bridge has a hairpin mode"
        device.hairpin = True

    def _AddAddress(self, op: ops.AddAddress) -> None:  # noqa: N802
        device = self._device(op)
        device.addresses += [op.address] if op.address not in device.addresses else []

    def _DeleteAddress(self, op: ops.DeleteAddress) -> None:  # noqa: N802
        device = self._device(op)
        device.addresses.remove(op.address)
        if not device.addresses:
            self.flush(self.namespaces[op.netns], op.ifname)

    def _AddRoute(self, op: ops.AddRoute) -> None:  # noqa: N802
        namespace = self.namespaces[op.netns]
        gateway = op.nexthops[0].gateway if op.nexthops else op.gateway
        through = "lo" if op.is_unreachable else op.ifname or self._reaches(namespace, gateway)
        assert through, f"{op}: network is unreachable"
        assert through == "lo" or namespace.devices[through].is_up, f"{op}: {through} is down"
        route = Route(
            destination=op.destination,
            ifname=op.ifname,
            gateway=op.gateway,
            nexthops=op.nexthops,
            is_unreachable=op.is_unreachable,
        )
        namespace.routes[op.destination] = (route, through)

    def _reaches(self, namespace: Namespace, gateway: object) -> str | None:
        for ifname, device in namespace.devices.items():
            if any(gateway in address.network for address in device.addresses):
                return ifname
        for route, through in namespace.routes.values():
            if route.gateway is None and gateway in route.destination:
                return through
        return None

    def _DeleteRoute(self, op: ops.DeleteRoute) -> None:  # noqa: N802
        namespace = self.namespaces[op.netns]
        there = namespace.routes.get(op.destination)
        if there and (there[0].ifname, there[0].gateway) == (op.ifname, op.gateway):
            del namespace.routes[op.destination]


NODES: Final = ("node1", "node2", "node3")
CLIENTS: Final = ("client", "laptop")
NETWORKS: Final = Networks(
    nodes=ip_network("10.240.0.0/24"),
    pods=ip_network("10.244.0.0/16"),
    services=ip_network("10.0.0.0/16"),
    clients=ip_network("198.51.100.0/24"),
    external_ips=ip_network("192.0.2.0/24"),
    vips=ip_network("203.0.113.0/24"),
)
POD_NAMES: Final = tuple(product(("default", "prod"), ("web-1", "a-pod-with-quite-a-long-name")))


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Return a lab; two of them share names and differ in addresses, MTU, CNI and members."""
    shift = draw(st.integers(0, 1))
    nodes = draw(st.lists(st.sampled_from(NODES), unique=True, min_size=1))
    clients = draw(st.lists(st.sampled_from(CLIENTS), unique=True))
    return Topology(
        name="any",
        networks=(NETWORKS,),
        nodes=tuple(
            TopologyNode(
                name=name,
                addresses=(NETWORKS.nodes[3 + shift + NODES.index(name)],),
                external_ips=(NETWORKS.external_ips[3 + NODES.index(name)],),
                pod_cidrs=(ip_network(f"10.244.{1 + draw(st.integers(0, 1)) * 3 + number}.0/24"),),
            )
            for number, name in enumerate(nodes)
        ),
        clients=tuple(
            TopologyClient(
                name=name, addresses=(NETWORKS.clients[79 + shift + CLIENTS.index(name)],)
            )
            for name in clients
        ),
        lb=(NETWORKS.nodes[1 + shift],),
        mtu=draw(st.sampled_from([1460, 1400])),
        cni=draw(st.sampled_from(Cni)),
    )


@st.composite
def labs(draw: st.DrawFn) -> LabState:
    topology = draw(topologies())
    placed = draw(st.dictionaries(st.sampled_from(POD_NAMES), st.sampled_from(topology.nodes)))
    pods = [
        PodPlacement(
            namespace=namespace, name=name, node=node.name, addresses=(node.pod_cidrs[0][2 + at],)
        )
        for at, ((namespace, name), node) in enumerate(placed.items())
    ]
    vips = [
        Vip(
            address=NETWORKS.vips[1 + at],
            nexthops=tuple(NextHop(gateway=node.addresses[0]) for node in nodes),
            is_local=draw(st.booleans()),
        )
        for at, nodes in enumerate(
            draw(st.lists(st.lists(st.sampled_from(topology.nodes), max_size=3), max_size=3))
        )
    ]
    return build_lab("default", topology, pods, vips)


def kernel_with(lab: LabState) -> MemoryKernel:
    kernel = MemoryKernel()
    kernel.apply(diff({}, lab))
    return kernel


def assert_holds(kernel: MemoryKernel, want: LabState) -> None:
    have = kernel.read()
    assert have.keys() == want.keys()
    for name, namespace in want.items():
        assert set(namespace.sysctls) <= set(have[name].sysctls)
        assert _links(have[name]) == _links(namespace), name
        assert set(have[name].routes) == set(namespace.routes), name
        for link in namespace.links:
            device = kernel.namespaces[name].devices[link.ifname]
            assert device.is_up
            assert not device.has_offloads
            assert device.peer == (link.peer and (link.peer.netns, link.peer.ifname))
            assert device.mtu == link.mtu or device.peer is None


def _links(namespace: NetnsState) -> dict[str, tuple[Link, frozenset[Interface]]]:
    return {
        link.ifname: (replace(link, addresses=(), mtu=0), frozenset(link.addresses))
        for link in namespace.links
    }


@given(labs())
def test_nothing_is_to_be_done_when_all_is_there(lab: LabState):
    assert diff(lab, lab) == []


@given(labs())
def test_a_lab_is_built_from_nothing(lab: LabState):
    assert_holds(kernel_with(lab), lab)


@given(labs(), labs())
def test_any_lab_becomes_any_other(have: LabState, want: LabState):
    kernel = kernel_with(have)
    kernel.apply(diff(have, want))
    assert_holds(kernel, want)


@given(labs(), labs())
def test_what_was_read_back_leads_to_the_same(have: LabState, want: LabState):
    kernel = kernel_with(have)
    kernel.apply(diff(kernel.read(), want))
    assert_holds(kernel, want)
    assert diff(kernel.read(), want) == []


@given(labs(), labs(), labs())
def test_the_way_there_does_not_matter(first: LabState, second: LabState, last: LabState):
    kernel = kernel_with(first)
    kernel.apply([*diff(first, second), *diff(second, last)])
    assert_holds(kernel, last)


@given(labs(), st.data())
def test_a_plan_cut_short_is_completed(lab: LabState, data: st.DataObject):
    operations = diff({}, lab)
    kernel = MemoryKernel()
    kernel.apply(operations[: data.draw(st.integers(0, len(operations)))])
    kernel.apply(diff(kernel.read(), lab))
    assert_holds(kernel, lab)


@given(labs(), st.data())
def test_what_someone_took_away_comes_back(lab: LabState, data: st.DataObject):
    kernel = kernel_with(lab)
    name = data.draw(st.sampled_from(sorted(lab)))
    damage = data.draw(st.sampled_from(["netns", "link", "mtu", "down", "address", "routes"]))
    ifname = data.draw(st.sampled_from([link.ifname for link in lab[name].links]))
    namespace = kernel.namespaces[name]
    device = namespace.devices[ifname]
    match damage:
        case "netns":
            # A process in it keeps its links alive when only its name goes.
            del kernel.namespaces[name]
        case "link":
            kernel.remove(name, ifname)
        case "mtu":
            device.mtu = 9000
        case "down":
            device.is_up = False
            kernel.flush(namespace, ifname)
        case "address":
            device.addresses.clear()
        case _:
            namespace.routes.clear()
    kernel.apply(diff(kernel.read(), lab))
    assert_holds(kernel, lab)


@given(labs(), labs())
def test_every_operation_is_one_line_that_a_shell_takes(have: LabState, want: LabState):
    for op in diff(have, want):
        line = str(op)
        assert "\n" not in line
        assert shlex.split(line)[:2] in (["ip", "netns"], ["ip", "-n"])


@given(labs(), labs())
def test_a_namespace_comes_before_all_that_is_in_it(have: LabState, want: LabState):
    operations = diff(have, want)
    for at, op in enumerate(operations):
        if isinstance(op, ops.CreateNetns):
            assert all(earlier.netns != op.netns for earlier in operations[:at])


@given(labs(), labs())
def test_a_veth_pair_is_made_once(have: LabState, want: LabState):
    ends = [
        end
        for op in diff(have, want)
        if isinstance(op, ops.CreateVeth)
        for end in ((op.netns, op.ifname), (op.peer.netns, op.peer.ifname))
    ]
    assert len(set(ends)) == len(ends)
