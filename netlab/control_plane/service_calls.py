"""Which calls of Services the rules of a lab promise to answer, and which they do not.

Each Service port is called on its ClusterIP from a node that it answers. The first NodePort is
called on every node that answers it, from the first client; the others on one node each, in turns,
so that a lab of a hundred Services is not called a thousand times. A Service of two address
families is called in both, as each has rules of its own.

What answers is asked of the rules themselves, by the walk that ``netlab predict`` takes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, TypeVar

from netlab.kube.kinds.service.no_endpoints import why_no_endpoints
from netlab.kube.kinds.service.view import (
    EndpointSlice,
    Service,
    ServicePort,
    endpoint_slice_of,
    service_of,
)
from netlab.kube.objects import Object, labels_of
from netlab.kube.resources import key_of
from netlab.model.addresses import Address, family_of
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsFamily
from netlab.model.packets import AddrPort, Protocol
from netlab.model.service_calls import Call, Unpromised
from netlab.netfilter.hooks import HookWalker
from netlab.netfilter.iptables.walk import base_chains
from netlab.netfilter.nftables.walk import table_base_chains
from netlab.netfilter.ruleset_change import NamespaceRules
from netlab.netfilter.verdicts import Outcome, Packet, Verdict

if TYPE_CHECKING:
    from netlab.control_plane.control_plane import ControlPlane

ADDON_LABEL: Final = "kubernetes.io/cluster-service"
"""On what a cluster brings itself, kube-dns for one."""

T = TypeVar("T")
Predict = Callable[[str, Packet], Sequence[Outcome]]
"""From a node's name and a packet that meets it to everything that its rules may do."""


@dataclass(frozen=True, slots=True)
class _Lab:
    """What calls are chosen from."""

    nodes: list[Host]
    clients: list[Host]
    inside: frozenset[Address]
    """Addresses behind which a program of the lab may listen."""
    slices: Sequence[EndpointSlice]
    predict: Predict


def service_calls(
    hosts: Iterable[Host],
    services: Iterable[Service],
    slices: Sequence[EndpointSlice],
    predict: Predict,
) -> tuple[list[Call], list[Unpromised]]:
    """Return the calls that must be answered when the lab is up, and what will not answer."""
    found = list(hosts)
    by_kind = {kind: [host for host in found if host.kind is kind] for kind in HostKind}
    nodes = by_kind[HostKind.NODE]
    # The API server listens on the router, pods of the host's network on a node.
    listening = (*nodes, *by_kind[HostKind.POD], *by_kind[HostKind.ROUTER])
    inside = frozenset(address for host in listening for address in host.addresses)
    lab = _Lab(nodes, by_kind[HostKind.CLIENT], inside, slices, predict)
    calls: list[Call] = []
    unpromised: list[Unpromised] = []
    called: set[object] = set()
    for number, service in enumerate(one for one in services if one.is_proxied):
        for cluster_ip in service.cluster_ips:
            for port in (one for one in service.ports if one.protocol is Protocol.TCP):
                for some in (
                    _cluster_ip_calls(lab, service, port, cluster_ip),
                    _node_port_calls(lab, service, port, cluster_ip, number, called),
                ):
                    for one in some:
                        calls.append(one) if isinstance(one, Call) else unpromised.append(one)
    return calls, unpromised


def calls_of(plane: "ControlPlane", hosts: Iterable[Host]) -> tuple[list[Call], list[Unpromised]]:
    """Return the calls that the rules promise which kube-proxy holds of a lab's nodes now."""
    unreadable = plane.kube_proxy.unreadable.reasons()

    def views(kind: str, view: Callable[[Object], T]) -> list[T]:
        # What the cluster runs beside its users' objects is on its way: nobody waits for it.
        return [
            view(one)
            for one in plane.store.list_(kind)
            if key_of(one) not in unreadable and ADDON_LABEL not in labels_of(one)
        ]

    found = tuple(hosts)
    predict = _NodeRules(plane, found).predict
    slices = views("endpointslices", endpoint_slice_of)
    return service_calls(found, views("services", service_of), slices, predict)


class _NodeRules:
    def __init__(self, plane: "ControlPlane", hosts: Iterable[Host]) -> None:
        self._rules = plane.kube_proxy.nodes
        self._hosts = {host.name: host for host in hosts}
        self._walkers: dict[NetnsFamily, HookWalker] = {}

    def predict(self, node: str, packet: Packet) -> Sequence[Outcome]:
        """Return everything that the rules of ``node`` may do with a packet."""
        host = self._hosts[node]
        key = NetnsFamily(host.netns, family_of(packet.destination))
        if key not in self._walkers:
            self._walkers[key] = _walker(self._rules[key].rules(), host)
        return self._walkers[key].walk(packet)


def _walker(rules: NamespaceRules, host: Host) -> HookWalker:
    chains = list(base_chains(rules.iptables, host.addresses))
    if rules.nftables is not None:
        chains += table_base_chains(rules.nftables, host.addresses)
    return HookWalker(chains, host.addresses)


def _cluster_ip_calls(
    lab: _Lab, service: Service, port: ServicePort, cluster_ip: Address
) -> Iterator[Call | Unpromised]:
    target = AddrPort(cluster_ip, port.port)
    refused = None
    for node in lab.nodes:
        source = node.address(family_of(cluster_ip))
        if source is None:
            continue
        packet = _packet(source, target, is_made_here=True)
        answer = _answer(lab, service, port, node, node, packet)
        if isinstance(answer, Call):
            yield answer
            return
        refused = refused or answer
    if refused:
        yield refused


def _node_port_calls(
    lab: _Lab,
    service: Service,
    port: ServicePort,
    cluster_ip: Address,
    number: int,
    called: set[object],
) -> Iterator[Call | Unpromised]:
    family = family_of(cluster_ip)
    if not port.node_port or not lab.nodes or not lab.clients:
        return
    source = lab.clients[0].address(family)
    turn = number % len(lab.nodes)
    answers: list[Call | Unpromised] = []
    for node in (*lab.nodes[turn:], *lab.nodes[:turn]):
        address = node.address(family)
        if source is None or address is None:
            continue
        packet = _packet(source, AddrPort(address, port.node_port))
        answers.append(_answer(lab, service, port, node, lab.clients[0], packet))
        if isinstance(answers[-1], Call) and family in called:
            break
    promised = [one for one in answers if isinstance(one, Call)]
    if promised and family not in called:
        called.add(family)
        yield from promised
    else:
        yield from promised[-1:] or answers[:1]


def _answer(
    lab: _Lab, service: Service, port: ServicePort, node: Host, caller: Host, packet: Packet
) -> Call | Unpromised:
    """Return the call where the rules of ``node`` send it into the lab."""
    outcomes = lab.predict(node.name, packet)
    target = AddrPort(packet.destination, packet.destination_port)
    name = f"{service.namespace}/{service.name}"
    why = _why_not(lab, service, port, node, outcomes, target)
    if why:
        return Unpromised(service=name, target=target, why=why)
    endpoints = tuple(dict.fromkeys(one.endpoint for one in outcomes if one.endpoint))
    return Call(
        netns=caller.netns, caller=caller.name, target=target, service=name, endpoints=endpoints
    )


def _why_not(
    lab: _Lab,
    service: Service,
    port: ServicePort,
    node: Host,
    outcomes: Sequence[Outcome],
    target: AddrPort,
) -> str:
    """Return why a call is not answered from inside the lab; nothing where it is."""
    outside = [
        one.endpoint
        for one in outcomes
        if one.verdict is Verdict.ENDPOINTS and ip_address(one.destination) not in lab.inside
    ]
    match outcomes[0].verdict:
        case Verdict.ENDPOINTS:
            return f"its endpoint {outside[0]} is outside this lab" if outside else ""
        case Verdict.REJECT:
            return why_no_endpoints(service, port, lab.slices, family_of(target.address))
        case Verdict.DROP:
            is_inside = target.address in service.cluster_ips
            policy = "internalTrafficPolicy" if is_inside else "externalTrafficPolicy"
            return f"{policy} is Local, and no endpoint of it is on {node.name}"
        case Verdict.ACCEPT | Verdict.NONE if target.address not in service.cluster_ips:
            return f"nodePortAddresses leaves out {target.address}"
        case _:
            return f"{node.name} has no rule for it"


def _packet(source: Address, target: AddrPort, *, is_made_here: bool = False) -> Packet:
    return Packet(
        source=source,
        destination=target.address,
        protocol=Protocol.TCP,
        destination_port=target.port,
        is_made_here=is_made_here,
    )
