"""Lay what iptables-legacy logged of a packet into its walk.

Theory of operation
-------------------
A line of the log names a rule by its number and has neither a packet's number nor a verdict. The
packet that comes with it tells whose walk it belongs to; its hook and its table's priority tell
between which observation points it lies; and the rule's own target tells what was decided. The line
is written before the target acts, so the mark that a rule left is in the message after it.

A host may have both: in kube-proxy's nftables mode the CNI's masquerading is of iptables. The
messages of nftables are in the kernel's order, and the first in each base chain carries the
packet's header; that chain's hook and priority are its place. At the same place iptables-legacy
comes first, as ``host_rules`` has it too: its table is registered later.

The kernel takes every rule that matches all packets and jumps to no chain for the end of its chain;
the number tells: behind the last rule there is no rule.

Source: Linux, net/ipv4/netfilter/ip_tables.c.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from netlab.kubeproxy.nftables.static import BASE_CHAIN_HOOKS
from netlab.netfilter.iptables.words import split
from netlab.netfilter.nftables.table import TABLE
from netlab.sources.rule_trace_messages import (
    FORWARD,
    LOCAL_IN,
    LOCAL_OUT,
    POINTS,
    POST_ROUTING,
    PRE_ROUTING,
    Logged,
    Report,
    TraceMessage,
)
from netlab.trace.rule_walks import Walk
from netlab.trace.rules_by_handle import KnownRule, RuleBook, chain_policies, rules_by_chain

_PRIORITIES: Final = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_SOURCE_NAT: Final = 100
_Stage = tuple[int, int]
"""Hook and priority."""
_Place = tuple[int, int, int]
"""A stage, and which comes first at it."""
_STAGES: Final = {name: (hook, priority) for name, hook, priority in POINTS}
_HOOKS: Final = {
    "prerouting": PRE_ROUTING,
    "input": LOCAL_IN,
    "forward": FORWARD,
    "output": LOCAL_OUT,
    "postrouting": POST_ROUTING,
}
_PLAIN: Final = frozenset({"ACCEPT", "DROP", "RETURN", "QUEUE"})
_LAST: Final = frozenset({"DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP"})
"""Targets after which no rule of the table is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyRules:
    """The legacy rules of one namespace."""

    rules: Mapping[tuple[str, str], Sequence[KnownRule]] = field(default_factory=dict)
    """By table and chain."""
    policies: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Of each chain; ``-`` for a user's chain, which has none."""

    def book(self) -> RuleBook:
        """Return the rules as steps look for them: a number below zero is no handle."""
        return {
            (*place, -rule.index): rule for place, chain in self.rules.items() for rule in chain
        }

    def find(self, table: str, chain: str, number: int) -> KnownRule | None:
        """Return the rule with that number; None behind the last."""
        rules = self.rules.get((table, chain), ())
        return rules[number - 1] if 0 < number <= len(rules) else None


def legacy_rules(text: str) -> LegacyRules:
    """Return the rules that iptables-legacy-save printed as ``text``."""
    return LegacyRules(rules=rules_by_chain(text), policies=chain_policies(text))


def lay(
    walks: Sequence[Walk], logged: Iterable[Logged], rules: Mapping[str, LegacyRules]
) -> tuple[Walk, ...]:
    """Return ``walks`` with the lines of the log at their places.

    Args:
        walks: With observation points at least.
        logged: Of each host in the kernel's order.
        rules: Of each host that has legacy ones.
    """
    held: dict[int, list[Logged]] = {}
    taken: set[tuple[object, ...]] = set()
    for one in logged:
        message = one.message
        for i, walk in enumerate(walks):
            line = i, message.table, message.chain, message.report, one.number, one.hook
            if _is_of(message, walk) and line not in taken:
                taken.add(line)
                held.setdefault(i, []).append(one)
                break
    return tuple(
        _laid(walk, held[i], rules.get(walk.host, LegacyRules())) if i in held else walk
        for i, walk in enumerate(walks)
    )


def _is_of(message: TraceMessage, walk: Walk) -> bool:
    header = message.header
    if header is None or walk.host != message.host or walk.entry.key != header.key:
        return False
    return header.pair in walk.pairs()


def _laid(walk: Walk, logged: Sequence[Logged], rules: LegacyRules) -> Walk:
    placed: list[tuple[_Place, TraceMessage]] = []
    stage = (0, 0)
    for message in walk.messages:
        stage = _stage_of(message, stage)
        placed.append(((*stage, 1), message))
    ours = [((*_stage(one), 0), _decided(one, rules)) for one in logged]
    # Sorting keeps the order of equal places, and no point has a table's own priority.
    messages = [message for _, message in sorted([*placed, *ours], key=lambda found: found[0])]
    known = {id(message) for _, message in ours}
    following = [*messages[1:], messages[-1]]
    marked = [
        replace(message, mark=after.mark) if id(message) in known else message
        for message, after in zip(messages, following, strict=True)
    ]
    return replace(walk, messages=marked)


def _stage_of(message: TraceMessage, stage: _Stage) -> _Stage:
    """Return where a message of nftables belongs, after one at ``stage``."""
    if message.is_point:
        return _STAGES[message.chain]
    if message.header is None:
        return stage
    if message.table == TABLE and message.chain in BASE_CHAIN_HOOKS:
        hook, priority = BASE_CHAIN_HOOKS[message.chain]
        return max(stage, (_HOOKS[hook], priority))
    if message.table in _PRIORITIES and message.chain.lower() in _HOOKS:
        return max(stage, _table_stage(message.table, _HOOKS[message.chain.lower()]))
    return stage


def _stage(one: Logged) -> _Stage:
    return _table_stage(one.message.table, one.hook)


def _table_stage(table: str, hook: int) -> _Stage:
    if table == "nat" and hook in {LOCAL_IN, POST_ROUTING}:
        return hook, _SOURCE_NAT
    return hook, _PRIORITIES.get(table, 0)


def _decided(one: Logged, rules: LegacyRules) -> TraceMessage:
    """Return the message with what the rule decides."""
    message = replace(one.message, header=None)
    place = message.table, message.chain
    rule = rules.find(*place, one.number)
    if rule is not None:
        verdict, target = _verdict(rule, message.table, rules)
        return replace(
            message, report=Report.RULE, index=one.number, verdict=verdict, target=target
        )
    if message.report is Report.POLICY:
        return replace(message, verdict=rules.policies.get(place, "ACCEPT"))
    return replace(message, index=one.number if message.report is Report.RULE else None)


def _verdict(rule: KnownRule, table: str, rules: LegacyRules) -> tuple[str, str]:
    target = rule.target
    if target in _PLAIN:
        return target, ""
    if target in _LAST:
        return "ACCEPT", ""
    if target == "REJECT":
        return "DROP", ""
    if (table, target) in rules.policies:
        return "GOTO" if "-g" in split(rule.text) else "JUMP", target
    return "CONTINUE", ""
