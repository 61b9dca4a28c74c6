"""A node's rules, grouped by the Service they are for.

The comments of the shared chains name the Service; from there the jumps lead to its own chains,
which in a large cluster carry no comment.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.kubeproxy.nftables.rule_groups import TableEntry, entries_by_service
from netlab.model.addresses import Family
from netlab.netfilter.iptables.counters import CountedRule
from netlab.netfilter.iptables.targets import Dnat, Goto, Jump
from netlab.netfilter.nftables.table import Table

SHARED_CHAINS: Final = frozenset(
    {"KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL"}
)
_OWN_PREFIXES: Final = ("KUBE-FW-", "KUBE-EXT-", "KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-")
"""In the order in which a packet meets them."""
_SERVICE: Final = re.compile(r"([a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9.-]*)(:[a-z0-9-]+)?( |$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """The rules of one Service in one family, in the order in which a packet meets them."""

    service: str
    """``namespace/name``; empty for the rules that are there whatever Services there are."""
    rules: tuple[CountedRule | TableEntry, ...]
    family: Family = Family.IPV4
    """Of all of them."""


def group_by_service(rules: Sequence[CountedRule]) -> list[RuleGroup]:
    """Return a group for each Service, by name, and last the rules of none."""
    owners = _owners(rules)
    found: dict[str, list[CountedRule]] = defaultdict(list)
    for one in rules:
        found[_service_of(one, owners)].append(one)
    for rules_of_one in found.values():
        rules_of_one.sort(key=_stage)
    return _groups(found)


def with_table(groups: Sequence[RuleGroup], table: Table) -> list[RuleGroup]:
    """Return ``groups`` and what kube-proxy's nftables table says of the same Services."""
    entries = entries_by_service(table)
    rules = {group.service: group.rules for group in groups}
    return _groups(
        {name: (*entries.get(name, ()), *rules.get(name, ())) for name in {*entries, *rules}}
    )


def _groups(found: Mapping[str, Iterable[CountedRule | TableEntry]]) -> list[RuleGroup]:
    names = sorted(found, key=lambda name: (not name, name))
    return [RuleGroup(service=name, rules=tuple(found[name])) for name in names]


def endpoints_by_chain(rules: Sequence[CountedRule]) -> dict[str, str]:
    """Return the ``address:port`` that each endpoint's chain leads to."""
    return {
        one.rule.chain: str(one.rule.target).rpartition(" ")[2]
        for one in rules
        if isinstance(one.rule.target, Dnat)
    }


def _owners(rules: Sequence[CountedRule]) -> dict[str, str]:
    """Return the Service of each chain that is one Service's own."""
    leads: dict[str, list[CountedRule]] = defaultdict(list)
    for one in rules:
        leads[one.rule.chain].append(one)
    owners: dict[str, str] = {}
    waiting = [
        (target, service)
        for chain in SHARED_CHAINS
        for one in leads[chain]
        if (target := own_chain(one)) and (service := _service_in_comment(one))
    ]
    while waiting:
        chain, service = waiting.pop()
        if owners.setdefault(chain, service) == service:
            targets = {own_chain(one) for one in leads.pop(chain, ())}
            waiting += [(target, service) for target in targets if target]
    return owners


def own_chain(one: CountedRule) -> str:
    """Return the chain of a single Service that a rule leads to; empty when it leads elsewhere."""
    target = one.rule.target
    chain = target.chain if isinstance(target, Jump | Goto) else ""
    return chain if chain.startswith(_OWN_PREFIXES) else ""


def _service_of(one: CountedRule, owners: Mapping[str, str]) -> str:
    if one.rule.chain in SHARED_CHAINS:
        return _service_in_comment(one)
    return owners.get(one.rule.chain, "")


def _service_in_comment(one: CountedRule) -> str:
    found = _SERVICE.match(one.rule.comment)
    return found[1] if found else ""


def _stage(one: CountedRule) -> tuple[bool, int]:
    """Return where in its way a packet meets a rule: nat decides, filter refuses."""
    stages = [at for at, prefix in enumerate(_OWN_PREFIXES, 1) if one.rule.chain.startswith(prefix)]
    return one.table != "nat", stages[0] if stages else 0
