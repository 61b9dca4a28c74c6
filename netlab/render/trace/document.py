"""A trace as JSON, ``netlab.trace/1``; ``netlab/render/trace.schema.json`` describes it."""

import json
from typing import Any, Final

from netlab.model.hosts import Host
from netlab.model.packets import AddressPair
from netlab.render.comparison import comparison_document
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.trace.packet import (
    Packet,
    Point,
    Reason,
    Rewritten,
    Routed,
    RuleHit,
    Step,
    Verdict,
    Visit,
)
from netlab.trace.paths import Hop
from netlab.trace.trace import Trace

SCHEMA: Final = "netlab.trace/1"

_Json = dict[str, Any]


def render_trace_json(trace: Trace) -> str:
    """Return a trace as JSON; each rule's text stands once, and hits refer to it by number."""
    return json.dumps(trace_document(trace), indent=2, ensure_ascii=False) + "\n"


def trace_document(trace: Trace) -> _Json:
    """Return what ``render_trace_json`` writes, as Python values."""
    rules = _Rules()
    packets = [_packet(packet, rules) for packet in trace.packets]
    verdict = _verdict(trace.verdict, rules)
    return {
        "schema": SCHEMA,
        "lab": trace.lab,
        "started": trace.started,
        "flow": {
            "protocol": trace.protocol,
            "caller": trace.caller,
            "target": trace.target,
            **_pair(trace.pair),
        },
        "service": trace.service,
        "outcome": trace.outcome,
        "attempts": trace.attempts,
        "verdict": {**verdict, "symmetric": trace.is_symmetric()},
        "nat": [_entry(entry) for entry in trace.nat],
        "packets": packets,
        "rules": rules.texts,
        "hosts": [_host(host) for host in trace.hosts],
        "names": dict(trace.names),
        "sources": list(trace.sources),
        "complete": trace.is_complete,
        "warnings": list(trace.warnings),
        "prediction": comparison_document(trace.prediction),
        "onward": trace_document(trace.onward) if trace.onward is not None else None,
    }


class _Rules:
    """The texts of rules, each once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int | None:
        """Return the place of ``text`` in the list, from 0; None for a rule without text."""
        if not text:
            return None
        if text not in self._numbers:
            self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return self._numbers[text]


def _host(host: Host) -> _Json:
    return {
        "name": host.name,
        "kind": str(host.kind),
        "node": host.node,
        "addresses": [str(address) for address in host.addresses],
    }


def _packet(packet: Packet, rules: _Rules) -> _Json:
    return {
        "n": packet.number,
        "way": str(packet.way),
        "attempt": packet.attempt,
        "kind": packet.kind,
        "key": {
            "ip_id": packet.key.ip_id,
            "length": packet.key.length,
            "fragment": packet.key.fragment,
        },
        "t_ns": packet.time_ns,
        "verdict": _verdict(packet.verdict, rules),
        "visits": [_visit(visit, packet, rules) for visit in packet.visits],
    }


def _visit(visit: Visit, packet: Packet, rules: _Rules) -> _Json:
    return {
        "host": visit.host,
        "hops": [_hop(hop, packet.time_ns) for hop in visit.hops],
        "steps": [_step(step, rules) for step in visit.steps],
        "stopped_at": visit.stopped_at or None,
    }


def _hop(hop: Hop, start_ns: int) -> _Json:
    return {
        "t_ns": hop.time_ns - start_ns,
        "ifname": hop.ifname,
        "direction": str(hop.direction),
        **_pair(hop.pair),
    }


def _step(step: Step, rules: _Rules) -> _Json:
    if isinstance(step, RuleHit):
        return _hit(step, rules)
    if isinstance(step, Rewritten):
        return {
            "step": "rewrite",
            "kind": str(step.kind),
            "before": str(step.before),
            "after": str(step.after),
            "seen_at": step.seen_at,
            "by": "conntrack"
            if step.is_repeated
            else rules.number(step.by.text if step.by else ""),
        }
    if isinstance(step, Routed):
        return _route(step)
    if isinstance(step, ConntrackEntry):
        return {"step": "conntrack", **_entry(step)}
    return _point(step)


def _hit(hit: RuleHit, rules: _Rules) -> _Json:
    return {
        "step": "policy" if hit.is_policy else "rule",
        "table": hit.table,
        "chain": hit.chain,
        "index": hit.index,
        "rule": rules.number(hit.text),
        "comment": hit.comment,
        "verdict": hit.verdict,
        "target": hit.target,
        "mark": hit.mark,
        "service": hit.service,
        "endpoint": hit.endpoint,
    }


def _route(step: Routed) -> _Json:
    return {
        "step": "route",
        "source": "query",
        "destination": step.destination,
        "route": step.route,
        "via": step.via,
        "ifname": step.ifname,
        "table": step.table,
        "error": step.error,
        "observed_ifname": step.observed,
    }


def _point(step: Point) -> _Json:
    return {
        "step": "point",
        "name": step.name,
        "ifname_in": step.ifname_in,
        "ifname_out": step.ifname_out,
        "mark": step.mark,
        "tracked": step.tracked,
    }


def _entry(entry: ConntrackEntry) -> _Json:
    return {
        "host": entry.host,
        "id": entry.identity,
        "protocol": entry.protocol,
        "original": _pair(entry.original),
        "reply": _pair(entry.reply),
        "state": entry.state,
    }


def _verdict(verdict: Verdict, rules: _Rules) -> _Json:
    by: _Json | None = None
    if isinstance(verdict.by, RuleHit):
        by = _hit(verdict.by, rules)
    elif verdict.by is not None:
        by = _route(verdict.by)
    return {
        "result": str(verdict.result),
        "host": verdict.host,
        "ifname": verdict.ifname,
        "by": by,
        "reason": _reason(verdict.reason),
        "confidence": str(verdict.confidence),
        "words": verdict.words,
        "why": verdict.why,
        "try": verdict.hint,
    }


def _reason(reason: Reason | None) -> _Json | None:
    if reason is None:
        return None
    return {
        "code": reason.code,
        "function": reason.function,
        "host": reason.host,
        "ifname": reason.ifname,
        "source": reason.source,
        "confidence": str(reason.confidence),
    }


def _pair(pair: AddressPair) -> _Json:
    return {"source": str(pair.source), "destination": str(pair.destination)}
