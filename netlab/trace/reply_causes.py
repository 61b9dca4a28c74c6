"""Why an answer came from an address that was not called, went elsewhere, or was a refusal."""

from dataclasses import replace

from netlab.client.cluster import ServicePort
from netlab.model.hosts import HostKind
from netlab.model.packets import Nat
from netlab.sources.packet_key import is_icmp_error
from netlab.trace.causes import Cause
from netlab.trace.packet import Packet, Point, Result, Rewritten, Verdict, Visit
from netlab.trace.question import Question


def unknown_source(request: Packet, reply: Packet, question: Question) -> Cause:
    """Explain a reply that came to its caller from an address that had not been called."""
    at = _rewriter(request, Nat.DNAT)
    if at is None:
        return Cause(
            f"{question.caller} had called {question.pair.destination}; no NAT on the way back put"
            f" that address in its place",
            question.inside(reply.visits[0].host, "ip route"),
        )
    host, _ = at
    passed = [visit for visit in reply.visits if visit.host == host]
    entry = f"{question.netlab('conntrack')} {host} --nat"
    if not passed:
        lacks = _lacks_masquerade(host, request)
        return Cause(
            f"the reply bypassed {host}, the only host that can undo the DNAT{lacks}; its entry"
            f" there stays UNREPLIED",
            entry,
        )
    if _is_bridged(passed[-1]):
        setting = "bridge-nf-call-iptables" if question.version == 4 else "bridge-nf-call-ip6tables"
        return Cause(
            f"the reply was bridged on {host}, past its IP layer, which alone can undo the DNAT:"
            f" {setting} is 0 there",
            question.inside(host, f"sysctl net.bridge.{setting}"),
        )
    return Cause(
        f"the reply passed {host}, and connection tracking there has no entry that it fits, so it"
        f" did not undo the DNAT",
        entry,
    )


def gone_astray(request: Packet, reply: Packet, question: Question) -> Cause:
    """Explain a reply that another host than the caller took."""
    host = reply.verdict.host
    at = _rewriter(request, Nat.SNAT)
    if at is not None and at[0] == host:
        return Cause(
            f"{host} had put {at[1].after} in as the source, and its connection tracking did not"
            f" put {at[1].before} back",
            f"{question.netlab('conntrack')} {host} --nat",
        )
    pair = reply.last_pair()
    to = pair.destination.address if pair else question.pair.source.address
    return Cause(
        f"{reply.visits[0].host} sent it to {to}, which is an address of {host}",
        question.inside(reply.visits[0].host, f"ip route get {to}"),
    )


def refused(request: Packet, answer: Packet | None, question: Question) -> Verdict:
    """Return the end of a connection that was refused where it arrived.

    Args:
        request: The packet that arrived.
        answer: The reset or the ICMP error that refused it; None where none was seen.
        question: What was tried, and what is known.
    """
    reached = request.verdict
    host = reached.host
    if answer is not None and is_icmp_error(answer.key) and answer.visits[0].host != host:
        sender = answer.visits[0].host
        return replace(
            reached,
            result=Result.REJECTED,
            host=sender,
            words=f"rejected: {sender} answered with {answer.kind}",
            why=f"{sender} told {question.caller} so by ICMP",
            hint=question.inside(sender, f"ip route get {question.pair.destination.address}"),
        )
    cause = _no_listener(request, question)
    return replace(
        reached,
        result=Result.REFUSED,
        words=f"refused by {host}",
        why=f"the packet reached {host}, and {cause.why}",
        hint=cause.hint,
    )


def _no_listener(request: Packet, question: Question) -> Cause:
    host = request.verdict.host
    listening = question.inside(host, "ss -ltnu")
    chosen = _rewriter(request, Nat.DNAT)
    service = next((port for port in question.ports if _is_called(port, question)), None)
    if chosen is not None and question.kind(host) is HostKind.POD:
        of = f" (targetPort of Service {service.namespace}/{service.name})" if service else ""
        return Cause(f"nothing there listens on port {chosen[1].after.port}{of}", listening)
    to = question.pair.destination
    same_port = [p for p in question.ports if to.port and to.port == p.node_port]
    if question.kind(host) is HostKind.NODE and same_port:
        port = next((p for p in same_port if p.protocol == question.protocol), None)
        name = f"{same_port[0].namespace}/{same_port[0].name}"
        if port is None:
            of = "/".join(p.protocol for p in same_port)
            return Cause(
                f"Service {name} has this NodePort for {of} only; nothing else listens there",
                f"{question.netlab('get')} service {same_port[0].name}",
            )
        return Cause(
            f"no rule there leads {to} to Service {name}, whose NodePort that is: kube-proxy takes"
            f" NodePorts at the addresses of nodePortAddresses only; and nothing listens there",
            f"{question.netlab('rules')} {host} --service {name}",
        )
    return Cause("nothing there listens on that port", listening)


def _is_called(port: ServicePort, question: Question) -> bool:
    to = question.pair.destination
    is_node_port = bool(to.port) and to.port == port.node_port
    is_cluster_ip = (port.cluster_ip, port.port) == (to.address, to.port)
    return port.protocol == question.protocol and (is_cluster_ip or is_node_port)


def _lacks_masquerade(host: str, request: Packet) -> str:
    snat = _rewriter(request, Nat.SNAT)
    is_hidden = snat is not None and snat[0] == host
    return "" if is_hidden else f", because {host} kept the caller's address as the source"


def _rewriter(packet: Packet, kind: Nat) -> tuple[str, Rewritten] | None:
    """Return the last host that rewrote an address of a packet so, and how."""
    found = [
        (host, step)
        for host, step in packet.steps()
        if isinstance(step, Rewritten) and step.kind is kind
    ]
    return found[-1] if found else None


def _is_bridged(visit: Visit) -> bool:
    """Tell whether a packet passed a host by a bridge, and no hook of its IP layer."""
    return len(visit.hops) > 1 and not any(isinstance(step, Point) for step in visit.steps)
