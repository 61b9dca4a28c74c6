"""Why a packet ended where it did, and what shows the cause: which host lacks what.

Each kind of end has a module: rules, routes, links, connection tracking.
"""

from dataclasses import replace
from typing import Final

from netlab.trace.cause import Cause, named_rule, pair_at_end, shown_rule
from netlab.trace.conntrack_causes import clash, stale_entry, table_full
from netlab.trace.drop_reasons import LINK, QUEUE, TTL, packet_words, wording_of
from netlab.trace.link_causes import (
    NO_NEIGHBOUR,
    for_nobody,
    link_refused,
    lost_address,
    no_neighbour,
    too_big,
)
from netlab.trace.packet import Packet, Result, Routed, RuleHit, Verdict
from netlab.trace.question import Question
from netlab.trace.route_causes import (
    by_route,
    circle,
    false_source,
    lowered_ttl,
    reverse_path,
)
from netlab.trace.rule_causes import by_rule

_SOURCES: Final = frozenset({"IP_LOCALNET", "IP_LOCAL_SOURCE", "IP_INVALID_SOURCE"})
_OTHER_FAMILIES: Final = ("bridge ", "netdev ", "inet ")
"""Of tables that can have hooks where the rule trace does not listen."""


def explained(verdict: Verdict, packet: Packet, question: Question) -> Verdict:
    """Return the end of a packet with its cause.

    Args:
        verdict: Of the packet; no delivery.
        packet: The packet.
        question: What was tried, and what is known.
    """
    code = verdict.reason.cause if verdict.reason is not None else ""
    cause = _cause(verdict, packet, question)
    found = replace(verdict, why=cause.why, hint=cause.hint)
    if code == "OTHERHOST":
        return for_nobody(verdict, packet, question)
    if code == LINK and not isinstance(verdict.by, RuleHit):
        return link_refused(found, packet, question)
    return found


def _cause(verdict: Verdict, packet: Packet, question: Question) -> Cause:
    by = verdict.by
    if isinstance(by, RuleHit) and verdict.result in {Result.DROPPED, Result.REJECTED}:
        return by_rule(verdict, by, packet, question)
    stale = stale_entry(packet, question)
    if stale is not None:
        return stale
    if isinstance(by, Routed) and by.error:
        return by_route(verdict.host, by, packet, question)
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


def _by_reason(verdict: Verdict, packet: Packet, question: Question) -> Cause:
    reason = verdict.reason
    assert reason is not None  # noqa: S101 (the caller looked)
    words = packet_words(packet.visits[-1], verdict.host, verdict.ifname)
    if reason.cause == "IP_RPFILTER":
        return reverse_path(verdict.host, words["source"], question)
    if reason.cause in NO_NEIGHBOUR:
        return no_neighbour(verdict.host, verdict.ifname, words["next"], question)
    if reason.cause in {"IP_INNOROUTES", "IP_OUTNOROUTES"}:
        route = Routed(destination=words["destination"], error="no route")
        return by_route(verdict.host, route, packet, question)
    said = wording_of(reason, question.pair).of(words)
    usual = Cause(said.why, question.inside(verdict.host, said.look) if said.look else "")
    return _behind(reason.cause, verdict.host, packet, question) or usual


def _behind(cause: str, host: str, packet: Packet, question: Question) -> Cause | None:
    """Return what stands behind a kernel's reason, where the lab or the packet tells."""
    if cause == "NETFILTER_DROP":
        below = table_full(host, question) or _another_hook(host, question)
        return clash(host, packet, question) or below
    if cause == "IP_INADDRERRORS":
        to = (pair_at_end(packet) or question.pair).destination.address
        return lost_address(host, str(to), question)
    if cause == QUEUE:
        return _queued(host, packet, question)
    if cause == "PKT_TOO_BIG":
        return too_big(packet, question)
    lowered = lowered_ttl(packet, question) if cause == TTL else None
    forged = false_source(packet, question) if cause in _SOURCES else None
    is_routed = cause == TTL or cause in _SOURCES
    return lowered or (circle(packet, question) if is_routed else None) or forged


def _another_hook(host: str, question: Question) -> Cause | None:
    """Say which tables of a host have hooks that the rule trace does not hear; None without any."""
    found = [name for name in question.state(host).tables if name.startswith(_OTHER_FAMILIES)]
    if not found:
        return None
    several = "tables" if len(found) > 1 else "table"
    return Cause(
        f"no rule of IP dropped it, so a rule at a hook below did, in {several}"
        f" {', '.join(found)} of {host}",
        question.as_root(host, f"nft list table {found[0]}"),
    )


def _queued(host: str, packet: Packet, question: Question) -> Cause | None:
    hits = [step for step in packet.visits[-1].steps if isinstance(step, RuleHit)]
    if not hits:
        return None
    return Cause(
        f"{named_rule(hits[-1])} hands it to a program (NFQUEUE), and no program on {host} takes"
        f" packets from that queue",
        shown_rule(host, hits[-1], question),
    )
