"""The end of a connection in words: what happened, why, and what to try."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from netlab.kubeproxy.nftables.static import ENDPOINT_CHECKS, REJECT_CHAIN
from netlab.model.addresses import family_of
from netlab.model.hosts import Host
from netlab.model.packets import AddressPair, Nat
from netlab.netfilter.nftables.table import TABLE, ip
from netlab.sources.drops import Counted
from netlab.trace.drop_reason_words import packet_words, wording_of
from netlab.trace.drop_reasons import counted_cause
from netlab.trace.outcomes import Result as Heard
from netlab.trace.paths import Way
from netlab.trace.trace import Packet, Reason, Result, Rewritten, Routed, RuleHit, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was tried, and what is known of the lab besides the packets."""

    lab: str
    caller: str
    scheme: str
    pair: AddressPair
    heard: Heard
    """What the caller's socket heard."""
    hosts: Mapping[str, Host]
    nodes_with_endpoints: Mapping[str, tuple[str, ...]]
    """By Service port, as kube-proxy names it."""
    route_error: str = ""
    """Why the caller's own kernel has no way to the target; empty when it has one."""
    counted: Counted = field(default_factory=dict)
    """Counters of the hosts that rose."""


def connection_verdict(packets: tuple[Packet, ...], question: Question) -> Verdict:
    """Return how the last attempt ended."""
    last = max((packet.attempt for packet in packets), default=0)
    request = _first(packets, last, Way.REQUEST)
    reply = _first(packets, last, Way.REPLY)
    if request is None:
        return _unsent(question)
    if request.verdict.result is not Result.DELIVERED:
        return _explained(request.verdict, request, question)
    end = _answered(request, reply, question)
    if end.result is Result.DELIVERED:
        return _cut_off(packets, last, question) or end
    return end


def _first(packets: tuple[Packet, ...], attempt: int, way: Way) -> Packet | None:
    return next((p for p in packets if p.way is way and p.attempt == attempt), None)


def _answered(request: Packet, reply: Packet | None, question: Question) -> Verdict:
    reached = request.verdict
    if reply is None or "RST" in reply.kind:
        return _not_answered(request, reply, question)
    if reply.verdict.result is not Result.DELIVERED:
        lost = _explained(reply.verdict, reply, question)
        return replace(lost, words=f"{reached.host} answered, but the reply was {lost.words}")
    taken = _taken_as(reply)
    if taken is not None and taken.reversed() != question.pair:
        return replace(
            reached,
            result=Result.STRANGE,
            words=f"the reply of {reached.host} came to {question.caller} from {taken.source}",
            why=f"{question.caller} had called {question.pair.destination}; no NAT on the way"
            " back put that address in its place",
            hint=f"{_netlab(question, 'exec')} {request.visits[0].host} -- ip route",
        )
    return replace(reached, words=f"delivered to {reached.host}")


def _cut_off(packets: tuple[Packet, ...], attempt: int, question: Question) -> Verdict | None:
    """Return the end of a later packet for want of which a connection came to nothing."""
    if question.heard is not Heard.TIMEOUT:
        return None
    for packet in reversed(packets):
        if packet.attempt == attempt and packet.verdict.result is not Result.DELIVERED:
            end = _explained(packet.verdict, packet, question)
            words = f"the connection was made, but its packet {packet.kind} was {end.words}"
            return replace(end, words=words)
    return None


def _not_answered(request: Packet, reply: Packet | None, question: Question) -> Verdict:
    reached = request.verdict
    look = f"{_netlab(question, 'exec')} {reached.host} -- ss -ltnu"
    if reply is not None or question.heard is Heard.REFUSED:
        return replace(
            reached,
            result=Result.REFUSED,
            words=f"refused by {reached.host}",
            why=f"the packet reached {reached.host}, and no socket there takes that port",
            hint=look,
        )
    rises = question.counted.get(reached.host, {})
    cause, source = counted_cause(rises, at_socket=True)
    if cause:
        reason = Reason(code=cause, host=reached.host, cause=cause, source=source)
        words = f"dropped on {reached.host}: {wording_of(reason, question.pair).words}"
        end = replace(reached, result=Result.DROPPED, reason=reason, words=words)
        return _explained(end, request, question)
    return replace(
        reached,
        result=Result.UNANSWERED,
        words=f"reached {reached.host}, and no answer was seen",
        why="the packet came past every rule to its host, and its program is silent",
        hint=look,
    )


def _taken_as(reply: Packet) -> AddressPair | None:
    """Return the addresses that the caller's socket knows a reply by."""
    pair = reply.last_pair()
    if pair is None:
        return None
    for step in reply.visits[-1].steps:
        if isinstance(step, Rewritten) and step.kind is Nat.UN_SNAT:
            pair = AddressPair(pair.source, step.after)
        elif isinstance(step, Rewritten):
            pair = AddressPair(step.after, pair.destination)
    return pair


def _unsent(question: Question) -> Verdict:
    target = question.pair.destination.address
    if not question.route_error:
        return Verdict(result=Result.LOST, host="", words="no packet of this connection was seen")
    return Verdict(
        result=Result.UNSENT,
        host=question.caller,
        words=f"{question.caller} sent nothing: {question.route_error} for {target}",
        why="the kernel looks for a route before it makes a packet; without one, no rule is asked",
        hint=f"{_netlab(question, 'exec')} {question.caller} -- ip route get {target}",
    )


def _explained(verdict: Verdict, packet: Packet, question: Question) -> Verdict:
    by = verdict.by
    if isinstance(by, RuleHit) and verdict.result in {Result.DROPPED, Result.REJECTED}:
        return _by_rule(verdict, by, question)
    inside = f"{_netlab(question, 'exec')} {verdict.host} --"
    if isinstance(by, Routed) and by.error:
        why = f"{verdict.host} has {by.error} for {by.destination}"
        return replace(verdict, why=why, hint=f"{inside} ip route get {by.destination}")
    if verdict.reason is not None:
        words = packet_words(packet.visits[-1], verdict.host, verdict.ifname)
        said = wording_of(verdict.reason, question.pair).of(words)
        return replace(verdict, why=said.why, hint=f"{inside} {said.look}" if said.look else "")
    if isinstance(by, Routed):
        why = (
            "it passed the rules before routing and none after; the packet's TTL, its size, or"
            " forwarding switched off may stand behind it"
        )
        is_ipv4 = question.pair.destination.address.version == 4
        setting = "net.ipv4.ip_forward" if is_ipv4 else "net.ipv6.conf.all.forwarding"
        return replace(verdict, why=why, hint=f"{inside} sysctl {setting}")
    why = f"no rule of {verdict.host} dropped it, and no interface after {verdict.ifname} saw it"
    return replace(verdict, why=why, hint=f"{inside} ip neigh")


def _by_rule(verdict: Verdict, hit: RuleHit, question: Question) -> Verdict:
    inside = f"{_netlab(question, 'exec')} {verdict.host} --"
    if "has no local endpoints" in hit.comment:
        why, hint = _local_policy(verdict, hit, question)
        return replace(verdict, why=why, hint=hint)
    if "has no endpoints" in hit.comment:
        why = f"Service {hit.service} has no pod that is ready"
        return replace(
            verdict, why=why, hint=f"{_netlab(question, 'get')} pods,endpointslices -o wide"
        )
    if "block incoming localnet" in hit.comment:
        why = "loopback addresses may be called from the node itself only"
        return replace(verdict, why=why)
    if hit.table == TABLE:
        return _by_table(verdict, hit, question)
    is_ipv4 = question.pair.destination.address.version == 4
    program = "iptables" if is_ipv4 else "ip6tables"
    shown = f"{inside} {program} -t {hit.table} -nvL {hit.chain} --line-numbers"
    return replace(verdict, why="", hint=shown)


def _by_table(verdict: Verdict, hit: RuleHit, question: Question) -> Verdict:
    """Explain a rule of kube-proxy's nftables table: its chain says what it is for."""
    listed = f"{ip(family_of(question.pair.destination.address))} {TABLE} {hit.chain}"
    shown = f"{_netlab(question, 'exec')} {verdict.host} -- nft list chain {listed}"
    if hit.service and hit.chain == REJECT_CHAIN:
        why = f"Service {hit.service} has no pod that is ready"
        return replace(
            verdict, why=why, hint=f"{_netlab(question, 'get')} pods,endpointslices -o wide"
        )
    if hit.service and hit.chain in ENDPOINT_CHECKS:
        why, hint = _local_policy(verdict, hit, question)
        return replace(verdict, why=why, hint=hint)
    if hit.service:
        why = f"loadBalancerSourceRanges of Service {hit.service} do not hold the packet's source"
        return replace(verdict, why=why, hint=shown)
    if verdict.result is Result.REJECTED:
        why = "the Service with this ClusterIP has no such port"
        return replace(verdict, why=why, hint=f"{_netlab(question, 'get')} services -A")
    return replace(verdict, why=hit.comment, hint=shown)


def _local_policy(verdict: Verdict, hit: RuleHit, question: Question) -> tuple[str, str]:
    nodes = question.nodes_with_endpoints.get(hit.service, ())
    where = f"; its pods run on {', '.join(nodes)}" if nodes else "; no node has one"
    why = (
        f"externalTrafficPolicy Local sends to pods of the node that was called, and"
        f" {verdict.host} has none of {hit.service}{where}"
    )
    if not nodes:
        return why, f"{_netlab(question, 'get')} pods -o wide"
    port = question.pair.destination.port
    again = f"{_netlab(question, 'trace')}{_family_option(question, nodes[0])} {question.caller}"
    return why, f"{again} {question.scheme}://{nodes[0]}:{port}"


def _family_option(question: Question, name: str) -> str:
    """Return what has the name of a host mean its address of the connection's family."""
    host, version = question.hosts.get(name), question.pair.destination.address.version
    is_first = host is None or not host.addresses or host.addresses[0].version == version
    return "" if is_first else f" -{version}"


def _netlab(question: Question, verb: str) -> str:
    lab = "" if question.lab == "default" else f" --lab {question.lab}"
    return f"sudo netlab {verb}{lab}"
