"""One form for rulesets that mean the same, and their union.

The kernel does not keep what it was told word for word: a probability becomes a 31-bit number,
tables and chains come back in an order of its own, empty built-in chains appear. ``normalise``
takes that away, so that ``==`` asks whether two rulesets act alike.
"""

from dataclasses import replace
from typing import Final

from netlab.model.addresses import Family
from netlab.netfilter.iptables.matches import Match, Ports, Statistic
from netlab.netfilter.iptables.rules import Chain, Rule, Ruleset, Table
from netlab.netfilter.iptables.targets import Reject

PORT_UNREACHABLE: Final = {
    Family.IPV4: "icmp-port-unreachable",
    Family.IPV6: "icmp6-port-unreachable",
}
"""What REJECT says when it is told nothing."""
_VARIABLE: Final = (Statistic, Ports)
"""Matches that may come back in another form."""
_DIE: Final = 1 << 31
"""xt_statistic compares a probability with 31 random bits."""


def normalise(ruleset: Ruleset) -> Ruleset:
    """Return the one ruleset that stands for all that act as ``ruleset`` does.

    Tables and chains are sorted by name; a built-in chain that is empty and accepts, and a table
    without a chain, are left out. The order of rules stays.
    """
    tables = []
    for table in sorted(ruleset.tables, key=lambda table: table.name):
        chains = tuple(
            replace(
                chain, rules=tuple(normalise_rule(rule, ruleset.family) for rule in chain.rules)
            )
            for chain in sorted(table.chains, key=lambda chain: chain.name)
            if chain.rules or chain.policy != "ACCEPT"
        )
        if chains:
            tables.append(Table(table.name, chains))
    return Ruleset(ruleset.family, tuple(tables))


def normalise_rule(rule: Rule, family: Family) -> Rule:
    """Return ``rule`` as the kernel of ``family`` keeps it."""
    target = rule.target
    if not isinstance(target, Reject) and not any(isinstance(m, _VARIABLE) for m in rule.matches):
        return rule
    if isinstance(target, Reject) and target.reject_with == PORT_UNREACHABLE[family]:
        target = Reject()
    matches = tuple(_kept(match) for match in rule.matches if not _is_idle(match))
    return Rule(rule.chain, matches, target)


def drawn(probability: float) -> float:
    """Return the probability that the kernel makes of one in the text for iptables-restore."""
    return round(float(f"{probability:.10f}") * _DIE) / _DIE


def merge(*rulesets: Ruleset) -> Ruleset:
    """Return the union of rulesets of one family.

    In a built-in chain the rules of an earlier ruleset come first.

    Raises:
        ValueError: The families differ, two rulesets have a chain of the same name that is not
            built in, or there is none at all.
    """
    families = {ruleset.family for ruleset in rulesets}
    if len(families) != 1:
        raise ValueError(f"cannot merge rulesets of {len(families)} families")
    tables: dict[str, dict[str, Chain]] = {}
    for ruleset in rulesets:
        for table in ruleset.tables:
            chains = tables.setdefault(table.name, {})
            for chain in table.chains:
                chains[chain.name] = _join(chains.get(chain.name), chain)
    return Ruleset(
        families.pop(),
        tuple(Table(name, tuple(chains.values())) for name, chains in tables.items()),
    )


def _join(first: Chain | None, second: Chain) -> Chain:
    if first is None:
        return second
    if first.policy is None:
        raise ValueError(f"chain {first.name} is in two rulesets")
    return replace(first, rules=first.rules + second.rules)


def _kept(match: Match) -> Match:
    if isinstance(match, Statistic):
        return Statistic(drawn(match.probability))
    return match


def _is_idle(match: Match) -> bool:
    """Tell whether ``match`` adds nothing: ``-m tcp`` alone, which not every iptables prints."""
    return isinstance(match, Ports) and match.destination is None and match.source is None
