"""Why a packet did not get over a link: its size, its frame's address, a link that is down."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Final, NamedTuple

from netlab.model.packets import Direction
from netlab.sources.host_state import Link
from netlab.trace.cause import Cause, ip_command, last_route, size_of
from netlab.trace.packet import Packet, Routed, Verdict
from netlab.trace.question import Question

NO_NEIGHBOUR: Final = frozenset(
    {"NEIGH_FAILED", "NEIGH_CREATEFAIL", "NEIGH_DEAD", "NEIGH_QUEUEFULL"}
)


class _At(NamedTuple):
    host: str
    ifname: str
    link: Link


def for_nobody(verdict: Verdict, packet: Packet, question: Question) -> Verdict:
    """Return the end of a packet whose frame went to a MAC address that nobody there has."""
    routed = [
        (visit.host, step)
        for visit in packet.visits
        for step in visit.steps
        if isinstance(step, Routed) and step.ifname
    ]
    if not routed:
        return verdict
    host, route = routed[-1]
    address = route.via or route.destination
    owner = question.owner(ip_address(address))
    whose = f" ({owner.name})" if owner else ""
    broken = broken_link(owner.name, question) if owner else None
    cause = broken or _wrong_mac(host, address, packet, question)
    return replace(
        verdict,
        host=host,
        ifname=route.ifname,
        words=f"dropped behind {host}: no host on that link took the frame for {address}{whose}",
        why=cause.why,
        hint=cause.hint,
    )


def _wrong_mac(host: str, address: str, packet: Packet, question: Question) -> Cause:
    owner = question.owner(ip_address(address))
    whose = f" ({owner.name})" if owner else ""
    mac = question.state(host).neighbours.get(address, "")
    own = {link.mac for link in question.state(owner.name).links.values()} if owner else set()
    sent = [visit for visit in packet.visits if visit.hops and visit.host != host]
    out = [visit.host for visit in sent if visit.hops[-1].direction is Direction.OUT]
    bridge = out[-1] if out else ""
    if mac and mac in own and owner and owner.name in packet.hosts():
        came = packet.visits[-1].hops[-1].ifname
        return Cause(
            f"{owner.name} got the frame, and at {came} it is for nobody: what stands before its IP"
            f" layer, a filter of tc or a bridge, sent it another way",
            question.inside(
                owner.name, f"tc filter show dev {packet.visits[-1].hops[0].ifname} ingress"
            ),
        )
    if mac and mac in own and bridge:
        return Cause(
            f"{host} sent the frame to the right MAC address, {mac}, and {bridge} did not send it"
            f" out to {owner.name if owner else address}: its forwarding table (fdb) is wrong",
            question.inside(bridge, "bridge fdb show"),
        )
    return Cause(
        f"{host} has a wrong MAC address for {address}{whose} in its table of neighbours",
        question.inside(host, f"{ip_command(question)} neigh show {address}"),
    )


def no_neighbour(host: str, ifname: str, address: str, question: Question) -> Cause:
    """Explain a packet whose next host gave no answer to the question for its MAC address."""
    shown = question.inside(host, f"{ip_command(question)} neigh show dev {ifname}")
    asked = "ARP" if question.version == 4 else "neighbour discovery"
    owner = question.owner(ip_address(address))
    heard = f"{host} asked its link who has {address} ({asked}) and heard nothing"
    if owner is None:
        return Cause(f"{heard}: no host of the lab has that address", shown)
    broken = (
        broken_link(owner.name, question)
        or lost_address(owner.name, address, question)
        or _without_arp(owner.name, question)
    )
    if broken is not None:
        return Cause(f"{heard}: {broken.why}", broken.hint)
    return Cause(
        f"{heard}, though {owner.name} has that address: the question or its answer was lost on the"
        " link, in a queue or a filter of tc for one",
        shown,
    )


def broken_link(host: str, question: Question) -> Cause | None:
    """Say which interface of a host carries nothing; None where all do."""
    for ifname, link in question.state(host).links.items():
        if link.is_up and link.has_carrier:
            continue
        what = (
            f"{ifname} of {host} has no carrier: the other end of that link is down"
            if link.is_up
            else f"{ifname} of {host} is down"
        )
        return Cause(what, question.inside(host, f"ip link show dev {ifname}"))
    return None


def lost_address(host: str, address: str, question: Question) -> Cause | None:
    """Say that a host has not the address that it is to have; None where it has."""
    state, owner = question.state(host), question.owner(ip_address(address))
    is_own = owner is not None and owner.name == host
    if not is_own or not state.links or ip_address(address) in state.addresses:
        return None
    return Cause(
        f"{address} is to be an address of {host}, and no interface there has it any more",
        question.inside(host, f"{ip_command(question)} address"),
    )


def _without_arp(host: str, question: Question) -> Cause | None:
    for ifname, link in question.state(host).links.items():
        if not link.asks_neighbours:
            return Cause(
                f"{ifname} of {host} is set not to ask and not to answer (NOARP)",
                question.inside(host, f"ip link show dev {ifname}"),
            )
    return None


def too_big(packet: Packet, question: Question) -> Cause | None:
    """Explain a packet that is too big for the interface it would leave by; None if it is not."""
    visit = packet.visits[-1]
    route = last_route(visit)
    link = question.state(visit.host).links.get(route.ifname) if route else None
    size = size_of(packet)
    if route is None or link is None or link.mtu >= (size or link.mtu + 1):
        return None
    larger = f"its {size} bytes are more" if size else "it is larger"
    told = "ICMP" if question.version == 4 else "ICMPv6"
    cut = (
        "its Don't Fragment bit forbids to cut it in pieces"
        if question.version == 4
        else "routers of IPv6 cut no packet in pieces"
    )
    return Cause(
        f"{larger} than the MTU of {route.ifname} on {visit.host} ({link.mtu}), and {cut}; its"
        f" sender is told so by {told}, which must be let through",
        question.inside(visit.host, f"ip link show dev {route.ifname}"),
    )


def link_refused(verdict: Verdict, packet: Packet, question: Question) -> Verdict:
    """Return the end of a packet that one end of a link did not take, with what that end is like.

    The kernel gives no name to it: the packet is larger than the MTU of an end, or an end is down.
    """
    host, ifname = verdict.host, verdict.ifname
    near = question.state(host).links.get(ifname)
    ends = [_At(host, ifname, near)] if near else []
    ends += _far_end(packet, near, question) if near else []
    down = next((end for end in ends if not end.link.is_up), None)
    if down is not None:
        return replace(
            verdict,
            words=f"dropped on {host}: {down.ifname} of {down.host} is down",
            why=f"{host} had it to send by {ifname}, and the link ends at {down.ifname} of"
            f" {down.host}, which is down",
            hint=question.inside(down.host, f"ip link show dev {down.ifname}"),
        )
    size = size_of(packet)
    small = min(ends, key=lambda end: end.link.mtu, default=None)
    if small is None or (size and small.link.mtu >= size):
        return verdict
    at = f"{small.ifname} of {small.host}" if small.host != host else small.ifname
    bytes_ = f"{size} bytes, " if size else ""
    return replace(
        verdict,
        words=f"dropped on {host}: {bytes_}larger than the MTU of {at} ({small.link.mtu})",
        why=f"{ifname} of {host} is a port of a link layer that cuts no packet in pieces and tells"
        f" nobody; {small.ifname} of {small.host} takes {small.link.mtu} bytes at most, less than"
        f" the hosts on that link believe",
        hint=question.inside(small.host, f"ip link show dev {small.ifname}"),
    )


def _far_end(packet: Packet, near: Link, question: Question) -> list[_At]:
    """Return the interface at the other end, which is one of the next host on the packet's way."""
    routes = [route for visit in packet.visits if (route := last_route(visit))]
    if not routes:
        return []
    owner = question.owner(ip_address(routes[-1].via or routes[-1].destination))
    links = question.state(owner.name).links if owner else {}
    return [
        _At(owner.name, ifname, link)
        for ifname, link in links.items()
        if owner and (link.index, link.peer) == (near.peer, near.index)
    ]
