"""Why routing dropped a packet, or sent it to a host that was never to have it."""

from ipaddress import ip_address
from itertools import pairwise

from netlab.model.addresses import Address
from netlab.model.hosts import HostKind
from netlab.model.packets import Nat
from netlab.sources.routes import RouteQuestion
from netlab.trace.cause import (
    Cause,
    ip_command,
    last_route,
    named_rule,
    pair_at_end,
    rewriter,
    shown_route,
    shown_rule,
)
from netlab.trace.conntrack_causes import without_nat
from netlab.trace.link_causes import broken_link, lost_address
from netlab.trace.packet import Packet, Rewritten, Routed, RuleHit
from netlab.trace.paths import Way
from netlab.trace.question import Question
from netlab.trace.rule_causes import (
    endpoints_listed,
    get_service,
    ports_in_words,
    service_name,
)

_USUAL_TABLES = frozenset({0, 253, 254, 255})
"""default, main and local; 0 where no table is known."""
NO_NODE = "an unreachable route"
"""The load balancer's route for those of its addresses that it has no node for."""


def by_route(host: str, route: Routed, packet: Packet, question: Question) -> Cause:
    """Explain a packet that a host had no way for."""
    address = ip_address(route.destination)
    if "route_localnet" in route.error:
        return Cause(
            f"after DNAT the kernel looked for a route to {route.destination} from 127.0.0.1, which"
            f" may leave a host only where route_localnet is 1",
            question.inside(host, "sysctl net.ipv4.conf.all.route_localnet"),
        )
    gone = lost_address(host, route.destination, question)
    if gone is not None:
        return gone
    if "forwarding" in route.error:
        setting = "net.ipv4.ip_forward" if question.version == 4 else "net.ipv6.conf.all.forwarding"
        return Cause(
            f"{route.destination} is no address of {host}, and forwarding is off there",
            question.inside(host, f"sysctl {setting}"),
        )
    known = (
        _not_balanced(host, route, address, question)
        or _route_gone(host, packet, address, question)
        or _wrong_turn(packet, address, question)
    )
    if known is not None:
        return known
    sender = _sender(packet, host)
    if route.error == "no route" and sender and question.kind(host) is not HostKind.NODE:
        return _sent_astray(host, sender, packet, question)
    after = " after DNAT" if _is_rewritten(packet, host) else ""
    at = next(visit for visit in reversed(packet.visits) if visit.host == host)
    return Cause(
        f"{host} has {route.error} for {route.destination}{after}",
        shown_route(at, route.destination, question),
    )


def reverse_path(host: str, source: str, question: Question) -> Cause:
    """Explain a packet that rp_filter dropped."""
    back = question.ask(RouteQuestion(host, ip_address(source)))
    shown = question.inside(host, f"ip route get {source}")
    if back.error:
        return Cause(
            f"{host} has {back.error} back to {source}, and rp_filter drops a packet from such a"
            f" source",
            shown,
        )
    return Cause(
        f"{host} would send an answer to {source} by {back.ifname}, and strict rp_filter drops a"
        f" source that comes by another interface",
        shown,
    )


def circle(packet: Packet, question: Question) -> Cause | None:
    """Explain a packet that came back to a host that had sent it on; None where it did not."""
    hosts = packet.hosts()
    last = hosts[-1]
    routed = [(visit, route) for visit in packet.visits if (route := last_route(visit))]
    if last not in hosts[:-1] or not routed:
        return None
    visit, route = routed[-1]
    to = (pair_at_end(packet) or question.pair).destination.address
    way = " → ".join(host for host, after in pairwise([*hosts, ""]) if host != after)
    return Cause(
        f"it went in a circle ({way}): {visit.host} sends {to} back by {route.via or route.ifname}",
        shown_route(visit, str(to), question),
    )


def false_source(packet: Packet, question: Question) -> Cause | None:
    """Say which host put a source in that no other can take; None where none rewrote it."""
    found = rewriter(packet, Nat.SNAT)
    if found is None or found[1].by is None:
        return None
    host, step = found
    assert step.by is not None  # noqa: S101 (just looked at)
    return Cause(
        f"{host} had put {step.after.address} in as the source, by {named_rule(step.by)}; no other"
        f" host takes a packet from such an address",
        shown_rule(host, step.by, question),
    )


def lowered_ttl(packet: Packet, question: Question) -> Cause | None:
    """Say which rule set a packet's TTL low; None where none did."""
    for host, step in packet.steps():
        if isinstance(step, RuleHit) and step.target in {"TTL", "HL"}:
            return Cause(
                f"{named_rule(step)} on {host} set it so low that the next router had nothing"
                f" left to take 1 from",
                shown_rule(host, step, question),
            )
    return None


def _not_balanced(host: str, route: Routed, address: Address, question: Question) -> Cause | None:
    """Explain a load balancer that has nobody to send to; None of any other host or route."""
    if question.kind(host) is not HostKind.LB or route.error != NO_NODE:
        return None
    ports = [port for port in question.ports if address in port.balancer_addresses]
    if not ports:
        return Cause(
            f"no Service has {address} as the address of its load balancer",
            f"{question.netlab('get')} services -A",
        )
    key = ports[0].key
    name = service_name(key)
    why = f"no node passes the health check of the load balancer for Service {name}"
    if ports[0].policy == "Local" and not any(port.backends for port in ports):
        why += (
            ": under externalTrafficPolicy Local a node does while a pod of the Service that is"
            " ready runs there, and no node has one"
        )
    return Cause(why, endpoints_listed(key, question))


def _route_gone(host: str, packet: Packet, address: Address, question: Question) -> Cause | None:
    """Say which interface is down that the way to a pod went by; None where none is."""
    node = question.node_of(address)
    sender = _sender(packet, host)
    if not node or node not in {host, sender}:
        return None
    broken = broken_link(node, question)
    if broken is None:
        return None
    return Cause(f"{broken.why}, and so is its route to {address} gone", broken.hint)


def _wrong_turn(packet: Packet, address: Address, question: Question) -> Cause | None:
    """Explain a packet for a node's pod that went to another host; None where it did not."""
    node = question.node_of(address)
    for before, after in pairwise(packet.visits):
        route = last_route(before)
        if not node or route is None or not route.via or route.destination != str(address):
            continue
        owner = question.owner(ip_address(route.via))
        taker = next((one for one in packet.visits[packet.visits.index(after) :] if one.hops), None)
        if owner is None or owner.kind is HostKind.ROUTER or taker is None:
            continue
        if owner.name != node:
            return Cause(
                f"{before.host} sends {address} to {route.via}, which is {owner.name}, though the"
                f" pod runs on {node}",
                shown_route(before, str(address), question),
            )
        if packet.hosts()[-1] != node and node not in packet.hosts():
            return _taken_by_another(before.host, route.via, packet, question)
    return None


def _taken_by_another(host: str, via: str, packet: Packet, question: Question) -> Cause | None:
    """Explain a frame for one host that another took; None where only bridges passed it."""
    mac = question.state(host).neighbours.get(via, "")
    for taker in dict.fromkeys(packet.hosts()):
        state = question.state(taker)
        if taker == host or not mac or mac not in {link.mac for link in state.links.values()}:
            continue
        owner = question.owner(ip_address(via))
        of = f"{via} ({owner.name})" if owner else via
        if ip_address(via) in state.addresses:
            return Cause(
                f"{host} sent it to {of}, and {taker} took it: {taker} has that address too",
                question.inside(taker, "ip address"),
            )
        return Cause(
            f"{host} has the MAC address of {taker} for {of} in its table of neighbours",
            question.inside(host, f"{ip_command(question)} neigh show {via}"),
        )
    return None


def _sender(packet: Packet, host: str) -> str:
    """Return the host that sent the packet to ``host``, where it ended, by its default route."""
    for visit in reversed(packet.visits):
        routes = [step for step in visit.steps if isinstance(step, Routed)]
        if visit.host != host and any(step.route == "default" for step in routes):
            return visit.host
    return ""


def _is_rewritten(packet: Packet, host: str) -> bool:
    return any(
        at == host and isinstance(step, Rewritten) and step.kind is Nat.DNAT
        for at, step in packet.steps()
    )


def _sent_astray(host: str, sender: str, packet: Packet, question: Question) -> Cause:
    """Explain a packet that came to a router which was never to have it."""
    address = (pair_at_end(packet) or question.pair).destination.address
    ports = question.services_at(address)
    if ports and question.kind(sender) is not HostKind.NODE:
        return Cause(
            f"{address} is the ClusterIP of Service {service_name(ports[0].key)}: it exists in the"
            f" rules of nodes only, and {sender} is outside the cluster",
            f"{question.netlab('get')} service -A",
        )
    if ports:
        return _no_rule_matched(sender, packet, question)
    at = next(visit for visit in reversed(packet.visits) if visit.host == sender)
    shown = shown_route(at, str(address), question)
    route, node = last_route(at), question.node_of(address)
    if route is not None and route.table not in _USUAL_TABLES:
        return Cause(
            f"{sender} sent {address} by the default route of its table {route.table}, which a"
            f" policy rule (ip rule) chose",
            shown,
        )
    if node:
        what = "its own pods" if node == sender else f"the pods of {node}"
        return Cause(
            f"{sender} has no route to {address}, one of {what}, and sent it by its default route"
            f" to a router that knows no pods",
            shown,
        )
    owner = question.owner(address)
    if owner is not None:
        return Cause(
            f"{sender} has no route to {owner.name} of its own, so {sender} used its default route",
            shown,
        )
    return _unknown_address(host, address, packet, question)


def _unknown_address(host: str, address: Address, packet: Packet, question: Question) -> Cause:
    nobody = f"{host} has no route for {address}, and no host, pod or Service of the lab has it"
    if packet.way is Way.REPLY and address == question.pair.source.address:
        return Cause(
            f"{question.caller} called from {address}, and {host} has no route to that",
            question.inside(
                question.caller,
                f"{ip_command(question)} route get {question.pair.destination.address}",
            ),
        )
    chosen = rewriter(packet, Nat.DNAT)
    if chosen is not None and chosen[1].by is not None:
        at, by = chosen[0], chosen[1].by
        return Cause(
            f"{nobody}; {at} had put it in as the destination, by {named_rule(by)}",
            shown_rule(at, by, question),
        )
    return Cause(nobody, question.inside(host, f"{ip_command(question)} route get {address}"))


def _no_rule_matched(node: str, packet: Packet, question: Question) -> Cause:
    to = (pair_at_end(packet) or question.pair).destination
    ports = question.services_at(to.address)
    name, listed = service_name(ports[0].key), ports_in_words(ports)
    if question.protocol == "ICMP":
        return Cause(
            f"kube-proxy translates only the ports of Service {name} ({listed}), and a ping has no"
            f" port: no rule of {node} matched, and it used its default route",
            get_service(name, question),
        )
    port = question.port_at(to)
    if port is None:
        return Cause(
            f"Service {name} has {listed} only, so no rule of {node} matched"
            f" {to.port}/{question.protocol}, and it used its default route",
            get_service(name, question),
        )
    at = next(visit for visit in reversed(packet.visits) if visit.host == node)
    untracked = without_nat(at, port, question)
    missing = question.lacks(node, name)
    lacks = f"{node} lacks {missing}" if missing else "the rules of kube-proxy are wrong"
    return untracked or Cause(
        f"no rule of {node} matched, though Service {name} has port"
        f" {to.port}/{question.protocol}: {lacks}",
        f"{question.netlab('rules')} {node} --diff",
    )
