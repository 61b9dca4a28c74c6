"""Why a packet ended where it did, and what shows the cause: which host lacks what."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Final, NamedTuple

from netlab.kubeproxy.nftables.static import ENDPOINT_CHECKS, REJECT_CHAIN
from netlab.model.addresses import Address, family_of
from netlab.model.hosts import HostKind
from netlab.model.packets import AddressPair, Nat
from netlab.netfilter.nftables.families import ip
from netlab.netfilter.nftables.table import TABLE
from netlab.sources.routes import RouteQuestion
from netlab.trace.drop_reason_words import packet_words, wording_of
from netlab.trace.packet import Packet, Result, Rewritten, Routed, RuleHit, Verdict
from netlab.trace.paths import Way
from netlab.trace.question import Question

_NO_NEIGHBOUR: Final = frozenset(
    {"NEIGH_FAILED", "NEIGH_CREATEFAIL", "NEIGH_DEAD", "NEIGH_QUEUEFULL"}
)
_IPTABLES: Final = frozenset({"raw", "mangle", "nat", "filter", "security"})


class Cause(NamedTuple):
    """What stands behind an end."""

    why: str
    hint: str = ""
    """A command that shows it."""


def explained(verdict: Verdict, packet: Packet, question: Question) -> Verdict:
    """Return the end of a packet with its cause.

    Args:
        verdict: Of the packet; no delivery.
        packet: The packet.
        question: What was tried, and what is known.
    """
    if verdict.reason is not None and verdict.reason.cause == "OTHERHOST":
        return _for_nobody(verdict, packet, question)
    cause = _cause(verdict, packet, question)
    return replace(verdict, why=cause.why, hint=cause.hint)


def _cause(verdict: Verdict, packet: Packet, question: Question) -> Cause:
    by = verdict.by
    if isinstance(by, RuleHit) and verdict.result in {Result.DROPPED, Result.REJECTED}:
        return _by_rule(verdict, by, packet, question)
    stale = _stale(packet, question)
    if stale is not None:
        return stale
    if isinstance(by, Routed) and by.error:
        return _by_route(verdict.host, by, packet, question)
    if verdict.reason is not None:
        return _by_reason(verdict, packet, question)
    if isinstance(by, Routed):
        setting = "net.ipv4.ip_forward" if question.version == 4 else "net.ipv6.conf.all.forwarding"
        return Cause(
            "it passed the rules before routing and none after; its TTL, its size, or forwarding"
            " that is off may stand behind it",
            question.inside(verdict.host, f"sysctl {setting}"),
        )
    return _lost(verdict, packet, question)


def _lost(verdict: Verdict, packet: Packet, question: Question) -> Cause:
    last = packet.visits[-1]
    ifname = verdict.ifname
    return Cause(
        f"no rule of {last.host} dropped it, and no interface after {ifname} saw it: look whether"
        f" the link is up, and at what its queue does",
        question.inside(last.host, f"ip -s link show dev {ifname}") if ifname else "",
    )


def pair_at_end(packet: Packet) -> AddressPair | None:
    """Return the addresses that a packet had where it ended."""
    pair = packet.last_pair()
    for step in packet.visits[-1].steps:
        if isinstance(step, Rewritten) and pair is not None:
            if step.kind in {Nat.DNAT, Nat.UN_SNAT}:
                pair = AddressPair(pair.source, step.after)
            else:
                pair = AddressPair(step.after, pair.destination)
    return pair


def _by_reason(verdict: Verdict, packet: Packet, question: Question) -> Cause:
    reason = verdict.reason
    assert reason is not None  # noqa: S101 (the caller looked)
    words = packet_words(packet.visits[-1], verdict.host, verdict.ifname)
    if reason.cause == "IP_RPFILTER":
        return _reverse_path(verdict.host, words["source"], question)
    said = wording_of(reason, question.pair).of(words)
    if reason.cause in _NO_NEIGHBOUR:
        return _no_neighbour(verdict.host, verdict.ifname, words["next"], question)
    if reason.cause in {"IP_INNOROUTES", "IP_OUTNOROUTES"}:
        route = Routed(destination=words["destination"], error="no route")
        return _by_route(verdict.host, route, packet, question)
    return Cause(said.why, question.inside(verdict.host, said.look) if said.look else "")


def _for_nobody(verdict: Verdict, packet: Packet, question: Question) -> Verdict:
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
    cause = broken or Cause(
        f"{host} has a wrong MAC address for {address}{whose} in its table of neighbours",
        question.inside(host, f"{_ip(question)} neigh show {address}"),
    )
    return replace(
        verdict,
        host=host,
        ifname=route.ifname,
        words=f"dropped behind {host}: no host on that link took the frame for {address}{whose}",
        why=cause.why,
        hint=cause.hint,
    )


def _no_neighbour(host: str, ifname: str, address: str, question: Question) -> Cause:
    """Explain a packet whose next host gave no answer to the question for its MAC address."""
    shown = question.inside(host, f"{_ip(question)} neigh show dev {ifname}")
    asked = "ARP" if question.version == 4 else "neighbour discovery"
    owner = question.owner(ip_address(address))
    if owner is None:
        return Cause(
            f"{host} asked its link who has {address} ({asked}) and heard nothing: no host of the"
            f" lab has that address",
            shown,
        )
    broken = broken_link(owner.name, question)
    if broken is not None:
        return Cause(
            f"{host} asked its link who has {address} ({asked}) and heard nothing: {broken.why}",
            broken.hint,
        )
    return Cause(
        f"{host} asked its link who has {address}, an address of {owner.name}, and heard nothing"
        f" ({asked})",
        shown,
    )


def broken_link(host: str, question: Question) -> Cause | None:
    """Say which interface of a host carries nothing; None where all do."""
    for ifname, state in question.links_down(host).items():
        if ifname == "lo":
            continue
        what = (
            f"{ifname} of {host} is down"
            if state == "down"
            else f"{ifname} of {host} has no carrier: the other end of that link is down"
        )
        return Cause(what, question.inside(host, f"ip link show dev {ifname}"))
    return None


def _ip(question: Question) -> str:
    return "ip" if question.version == 4 else "ip -6"


def _reverse_path(host: str, source: str, question: Question) -> Cause:
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


def _by_route(host: str, route: Routed, packet: Packet, question: Question) -> Cause:
    address = ip_address(route.destination)
    shown = question.inside(host, f"ip route get {route.destination}")
    if "route_localnet" in route.error:
        return Cause(
            f"after DNAT the kernel looked for a route to {route.destination} from 127.0.0.1, which"
            f" may leave a host only where route_localnet is 1",
            question.inside(host, "sysctl net.ipv4.conf.all.route_localnet"),
        )
    if "forwarding" in route.error:
        setting = "net.ipv4.ip_forward" if question.version == 4 else "net.ipv6.conf.all.forwarding"
        return Cause(
            f"{route.destination} is no address of {host}, and forwarding is off there",
            question.inside(host, f"sysctl {setting}"),
        )
    gone = _route_gone(host, packet, address, question)
    if gone is not None:
        return gone
    sender = _sender(packet, host)
    if route.error == "no route" and sender and question.kind(host) is not HostKind.NODE:
        return _sent_astray(host, sender, packet, question)
    after = " after DNAT" if _is_rewritten(packet, host) else ""
    return Cause(f"{host} has {route.error} for {route.destination}{after}", shown)


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
    shown = question.inside(sender, f"ip route get {address}")
    here = f"so {sender} used its default route"
    ports = question.services_at(address)
    if ports and question.kind(sender) is not HostKind.NODE:
        return Cause(
            f"{address} is the ClusterIP of Service {_name(ports[0].key)}: it exists in the rules"
            f" of nodes only, and {sender} is outside the cluster",
            f"{question.netlab('get')} service -A",
        )
    if ports:
        return _no_rule_matched(sender, packet, question)
    node = question.node_of(address)
    if node:
        what = "its own pods" if node == sender else f"the pods of {node}"
        return Cause(
            f"{sender} has no route to {address}, one of {what}, and sent it by its default route"
            f" to a router that knows no pods",
            shown,
        )
    owner = question.owner(address)
    if owner is None:
        return Cause(
            f"{host} has no route for {address}, and no host, pod or Service of the lab has it",
            question.inside(host, f"ip route get {address}"),
        )
    return Cause(f"{sender} has no route to {owner.name} of its own, {here}", shown)


def _no_rule_matched(node: str, packet: Packet, question: Question) -> Cause:
    pair = pair_at_end(packet) or question.pair
    to = pair.destination
    ports = question.services_at(to.address)
    name = _name(ports[0].key)
    listed = ", ".join(f"{port.port}/{port.protocol}" for port in ports)
    shown = f"{question.netlab('get')} service {name.rpartition('/')[2]}{_space(name)}"
    if question.protocol == "ICMP":
        return Cause(
            f"kube-proxy translates only the ports of Service {name} ({listed}), and a ping has no"
            f" port: no rule of {node} matched, and it used its default route",
            shown,
        )
    if any((one.port, one.protocol) == (to.port, question.protocol) for one in ports):
        return Cause(
            f"no rule of {node} matched, though Service {name} has port"
            f" {to.port}/{question.protocol}: the rules of kube-proxy are not as they should be",
            f"{question.netlab('rules')} {node} --diff",
        )
    return Cause(
        f"Service {name} has {listed} only, so no rule of {node} matched"
        f" {to.port}/{question.protocol}, and it used its default route",
        shown,
    )


def _stale(packet: Packet, question: Question) -> Cause | None:
    """Explain a packet that an old entry of connection tracking sent to a pod that is gone."""
    if packet.way is not Way.REQUEST:
        return None
    for host, step in packet.steps():
        if not isinstance(step, Rewritten) or step.kind is not Nat.DNAT or not step.is_repeated:
            continue
        if question.owner(step.after.address) is None and question.node_of(step.after.address):
            return Cause(
                f"an entry of connection tracking on {host}, older than this packet, still sends"
                f" {step.before} to {step.after}, and no pod has that address any more",
                f"{question.netlab('conntrack')} {host} --nat",
            )
    return None


def _by_rule(verdict: Verdict, hit: RuleHit, packet: Packet, question: Question) -> Cause:
    if "has no local endpoints" in hit.comment:
        return _local_policy(verdict, hit, packet, question)
    if "has no endpoints" in hit.comment:
        return _no_endpoints(hit, question)
    if "block incoming localnet" in hit.comment:
        return Cause(
            "loopback addresses may be called from the node itself only",
            _shown(verdict.host, hit, question),
        )
    if hit.table == TABLE:
        return _by_table(verdict, hit, packet, question)
    if hit.is_policy:
        return Cause(
            f"no rule of {hit.chain} accepted it, and the policy of that chain is"
            f" {hit.verdict or 'DROP'}",
            _shown(verdict.host, hit, question),
        )
    return Cause(
        f"that rule matches it: {hit.text}"
        if hit.text
        else f"a rule that is not netlab's, in table {hit.table}, refuses it",
        _shown(verdict.host, hit, question),
    )


def _shown(host: str, hit: RuleHit, question: Question) -> str:
    """Return a command that lists the chain that a rule or a policy is in."""
    if hit.table not in _IPTABLES:
        return question.as_root(host, "nft -a list ruleset")
    program = "iptables" if question.version == 4 else "ip6tables"
    return question.as_root(host, f"{program} -t {hit.table} -nvL {hit.chain} --line-numbers")


def _by_table(verdict: Verdict, hit: RuleHit, packet: Packet, question: Question) -> Cause:
    """Explain a rule of kube-proxy's nftables table: its chain says what it is for."""
    listed = f"{ip(family_of(question.pair.destination.address))} {TABLE} {hit.chain}"
    shown = question.inside(verdict.host, f"nft list chain {listed}")
    if hit.service and hit.chain == REJECT_CHAIN:
        return _no_endpoints(hit, question)
    if hit.service and hit.chain in ENDPOINT_CHECKS:
        return _local_policy(verdict, hit, packet, question)
    if hit.service:
        return Cause(
            f"loadBalancerSourceRanges of Service {hit.service} do not hold the packet's source",
            shown,
        )
    if verdict.result is Result.REJECTED:
        return _cluster_ip_only(verdict.host, packet, question)
    return Cause(hit.comment or f"chain {hit.chain} of kube-proxy's table refuses it", shown)


def _cluster_ip_only(host: str, packet: Packet, question: Question) -> Cause:
    to = (pair_at_end(packet) or question.pair).destination
    ports = question.services_at(to.address)
    if not ports:
        return Cause(f"no Service has {to.address}", f"{question.netlab('get')} services -A")
    name, listed = _name(ports[0].key), ", ".join(f"{p.port}/{p.protocol}" for p in ports)
    if question.protocol == "ICMP":
        why = (
            f"kube-proxy on {host} rejects everything to a ClusterIP but the ports of its Service"
            f" ({listed}); a ping has no port"
        )
    else:
        why = f"Service {name} has {listed} only, not {to.port}/{question.protocol}"
    return Cause(why, f"{question.netlab('get')} service {name.rpartition('/')[2]}{_space(name)}")


def _no_endpoints(hit: RuleHit, question: Question) -> Cause:
    space = _space(_name(hit.service))
    shown = f"{question.netlab('get')} pods,endpointslices -o wide{space}"
    port = question.port_called(hit.service)
    if port is not None and port.why_no_port:
        return Cause(f"{port.why_no_port}, so Service {hit.service} has no endpoint", shown)
    return Cause(f"Service {hit.service} has no endpoint that is ready", shown)


def _local_policy(verdict: Verdict, hit: RuleHit, packet: Packet, question: Question) -> Cause:
    port = question.port_called(hit.service)
    backends = port.backends if port else ()
    nodes = tuple(dict.fromkeys(backend.node for backend in backends if backend.node))
    where = f"; its pods run on {', '.join(nodes)}" if nodes else "; no node has one"
    to = (pair_at_end(packet) or question.pair).destination
    shown = f"{question.netlab('get')} pods -o wide{_space(_name(hit.service))}"
    if port is not None and to.address == port.cluster_ip:
        return Cause(
            f"internalTrafficPolicy Local sends a caller inside the cluster only to pods of the"
            f" caller's own node, and {verdict.host} has none of {hit.service}{where}",
            shown,
        )
    why = (
        f"externalTrafficPolicy Local sends callers from outside only to pods of the node that was"
        f" called, and {verdict.host} has none of {hit.service}{where}"
    )
    if not nodes or port is None or port.node_port is None:
        return Cause(why, shown)
    again = f"{question.netlab('trace')}{_family_option(question, nodes[0])} {question.caller}"
    return Cause(why, f"{again} {question.scheme}://{nodes[0]}:{port.node_port}")


def _family_option(question: Question, name: str) -> str:
    """Return what has the name of a host mean its address of the connection's family."""
    host = question.hosts.get(name)
    if host is None or not host.addresses or host.addresses[0].version == question.version:
        return ""
    return f" -{question.version}"


def _name(key: str) -> str:
    """Return the Service of a Service port's name: ``default/web`` of ``default/web:http``."""
    return key.partition(":")[0]


def _space(name: str) -> str:
    space = name.partition("/")[0]
    return "" if space in {"default", name} else f" -n {space}"
