"""Why an answer came from an address that was not called, went elsewhere, or was a refusal."""

from dataclasses import replace
from typing import Final

from netlab.model.hosts import HostKind
from netlab.model.packets import AddrPort, Nat
from netlab.netfilter.iptables.rules import TABLE_NAMES
from netlab.netfilter.nftables.table import TABLE
from netlab.sources.packet_key import is_icmp_error
from netlab.trace.cause import Cause, named_rule, pair_at_end, rewriter, shown_rule
from netlab.trace.conntrack_causes import stale_entry, untracking, without_nat
from netlab.trace.packet import Packet, Point, Result, RuleHit, Verdict, Visit
from netlab.trace.question import Question

_NODE_PORTS: Final = range(30000, 32768)
"""What kube-apiserver gives Services, unless --service-node-port-range says otherwise."""


def unknown_source(request: Packet, reply: Packet, question: Question) -> Cause:
    """Explain a reply that came to its caller from an address that had not been called."""
    at = rewriter(request, Nat.DNAT)
    if at is None:
        return Cause(
            f"{question.caller} had called {question.pair.destination}; no NAT on the way back put"
            f" that address in its place",
            question.inside(reply.visits[0].host, "ip route"),
        )
    host, step = at
    if step.by is not None and not _is_kube_proxys(step.by.table, step.by.chain):
        return Cause(
            f"{named_rule(step.by)} on {host}, which is no rule of kube-proxy's, sent the"
            f" connection to {step.after} and left the caller's address as it was; the reply"
            f" bypassed {host}, the only host that can undo the DNAT",
            shown_rule(host, step.by, question),
        )
    passed = [visit for visit in reply.visits if visit.host == host]
    entry = f"{question.netlab('conntrack')} {host} --nat"
    if not passed:
        lacks = _lacks_masquerade(host, request)
        kept = _kept_from_masquerading(host, request)
        by = f": {named_rule(kept)} kept kube-proxy from replacing it" if kept else ""
        return Cause(
            f"the reply bypassed {host}, the only host that can undo the DNAT{lacks}{by}; its entry"
            f" there stays UNREPLIED",
            shown_rule(host, kept, question) if kept else entry,
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
    at = rewriter(request, Nat.SNAT)
    if at is not None and at[0] == host:
        untracked = untracking(reply.visits[-1])
        if untracked is not None:
            return Cause(
                f"{host} had put {at[1].after} in as the source, and {named_rule(untracked)} there"
                f" keeps the reply from the entry that would put {at[1].before} back",
                shown_rule(host, untracked, question),
            )
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
    cause = stale_entry(request, question) or _no_listener(request, question)
    return replace(
        reached,
        result=Result.REFUSED,
        words=f"refused by {host}",
        why=f"the packet reached {host}, and {cause.why}",
        hint=cause.hint,
    )


def _no_listener(request: Packet, question: Question) -> Cause:
    """Explain why nothing took a packet where it arrived; completes "reached HOST, and ..."."""
    host = request.verdict.host
    to = (pair_at_end(request) or question.pair).destination
    duplicate = _of_another(host, to, question)
    if duplicate is not None:
        return duplicate
    chosen = rewriter(request, Nat.DNAT)
    if chosen is not None and question.kind(host) is HostKind.POD:
        return _of_pod(host, request, question)
    if question.kind(host) is HostKind.NODE:
        return _of_node(request, question)
    return _nobody_listens(host, to, question)


def _of_another(host: str, to: AddrPort, question: Question) -> Cause | None:
    """Say that a host took a packet for an address of another's; None where it is its own."""
    owner, known = question.owner(to.address), question.hosts.get(host)
    if owner is None or known is None or owner.name == host or to.address in known.addresses:
        return None
    return Cause(
        f"{to.address} is an address of {owner.name}; {host} has it too, and so took the packet"
        f" for its own",
        question.inside(host, f"ip route get {to.address}"),
    )


def _of_pod(host: str, request: Packet, question: Question) -> Cause:
    chosen = rewriter(request, Nat.DNAT)
    assert chosen is not None  # noqa: S101 (the caller looked)
    at, step = chosen
    if at == host and step.by is not None:
        return Cause(
            f"{named_rule(step.by)} in {host} itself sends it to port {step.after.port}, where"
            f" nothing listens",
            shown_rule(host, step.by, question),
        )
    if step.by is not None and not _is_kube_proxys(step.by.table, step.by.chain):
        listening = _nobody_listens(host, step.after, question)
        return Cause(
            f"{listening.why}; {named_rule(step.by)} on {at}, which is no rule of kube-proxy's,"
            f" sent the connection there",
            shown_rule(at, step.by, question),
        )
    port = question.port_at(question.pair.destination)
    of = f" (targetPort of Service {port.namespace}/{port.name})" if port else ""
    return _nobody_listens(host, step.after, question, of)


def _of_node(request: Packet, question: Question) -> Cause:
    host, to = request.verdict.host, question.pair.destination
    same_port = [p for p in question.ports if to.port and to.port == p.node_port]
    if not same_port:
        listening = _nobody_listens(host, to, question)
        if to.port not in _NODE_PORTS:
            return listening
        return Cause(
            f"no Service has NodePort {to.port}; {listening.why}",
            f"{question.netlab('get')} services -A",
        )
    port = next((p for p in same_port if p.protocol == question.protocol), None)
    name = f"{same_port[0].namespace}/{same_port[0].name}"
    if port is None:
        of = "/".join(p.protocol for p in same_port)
        return Cause(
            f"Service {name} has this NodePort for {of} only; nothing else listens there",
            f"{question.netlab('get')} service {same_port[0].name}",
        )
    untracked = without_nat(request.visits[-1], port, question)
    if untracked is not None:
        return untracked
    lacks = question.lacks(host, name)
    if lacks:
        return Cause(
            f"no rule there leads {to} to Service {name}, whose NodePort that is: {host} lacks"
            f" {lacks}",
            f"{question.netlab('rules')} {host} --diff",
        )
    return Cause(
        f"no rule there leads {to} to Service {name}, whose NodePort that is: kube-proxy takes"
        f" NodePorts at the addresses of nodePortAddresses only; and nothing listens there",
        f"{question.netlab('rules')} {host} --service {name}",
    )


def _nobody_listens(host: str, to: AddrPort, question: Question, of: str = "") -> Cause:
    """Say that a port is nobody's, or whose it is at another address."""
    listening = question.inside(host, "ss -ltnu")
    others = [
        one.address
        for one in question.state(host).listening
        if (one.protocol, one.port) == (question.protocol, to.port)
        and one.address.version == question.version
        and not one.address.is_unspecified
    ]
    if others:
        at = ", ".join(str(address) for address in others)
        return Cause(
            f"a program there listens on port {to.port}{of}, but at {at} only, not at {to.address}",
            listening,
        )
    number = f"port {to.port}{of}" if of or question.kind(host) is HostKind.POD else "that port"
    return Cause(f"nothing there listens on {number}", listening)


def _lacks_masquerade(host: str, request: Packet) -> str:
    snat = rewriter(request, Nat.SNAT)
    is_hidden = snat is not None and snat[0] == host
    return "" if is_hidden else f", because {host} kept the caller's address as the source"


def _is_kube_proxys(table: str, chain: str) -> bool:
    """Tell whether a rule may be kube-proxy's, by where it stands."""
    return table == TABLE or (
        table in TABLE_NAMES and chain.startswith(("KUBE-", "NETLAB-", "CNI-"))
    )


def _kept_from_masquerading(host: str, request: Packet) -> RuleHit | None:
    """Return the rule that took a packet's mark away, or let it pass before it was masqueraded."""
    hits = [hit for at, hit in request.steps() if at == host and isinstance(hit, RuleHit)]
    others = [
        hit
        for hit in hits
        if not hit.is_policy and not hit.chain.startswith(("KUBE-", "IP-MASQ-AGENT", "mark-for-"))
    ]
    for hit in others:
        accepts = hit.chain in {"POSTROUTING", "nat-postrouting"} and hit.verdict == "ACCEPT"
        if (hit.target == "MARK" and not hit.mark) or (accepts and hit.table in {"nat", TABLE}):
            return hit
    return None


def _is_bridged(visit: Visit) -> bool:
    """Tell whether a packet passed a host by a bridge, and no hook of its IP layer."""
    return len(visit.hops) > 1 and not any(isinstance(step, Point) for step in visit.steps)
