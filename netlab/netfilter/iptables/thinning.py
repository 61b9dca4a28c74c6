"""Large balancing chains made small: one of many alike rules stands for all.

A walk splits at every die, and follows each way to its end. Where a chain throws dice over a
hundred endpoints, and only the chain matters, a hundred ways are too many: the first rule with a
die, without it, stands for the others. What it stands for is returned beside.
"""

from dataclasses import dataclass
from fractions import Fraction

from netlab.netfilter.iptables.evaluate import chance_of
from netlab.netfilter.iptables.matches import Comment, Statistic
from netlab.netfilter.iptables.rules import Chain, Rule, Ruleset, Table
from netlab.netfilter.iptables.targets import Dnat


@dataclass(frozen=True, slots=True)
class Thinned:
    """A ruleset with small chains, and what was taken out of it."""

    ruleset: Ruleset
    endpoints: dict[str, tuple[tuple[Dnat, Fraction], ...]]
    """For each chain that was thinned: every rewriting it leads to, with its chance, in order."""


def thin(ruleset: Ruleset, most: int) -> Thinned:
    """Return a ruleset in which no chain throws dice over more than ``most`` endpoints.

    A chain is thinned when its last rules each do nothing but lead to a chain that rewrites the
    destination, all but the last of them by a die. Chains that nothing leads to any more go.
    """
    endpoints: dict[str, tuple[tuple[Dnat, Fraction], ...]] = {}
    tables = []
    for table in ruleset.tables:
        chains = {chain.name: chain for chain in table.chains}
        gone: set[str] = set()
        for chain in table.chains:
            row = _row_of_dice(chain)
            found = _endpoints(row, chains)
            if found is None or len(found) <= most:
                continue
            endpoints[chain.name] = found
            kept = chain.rules[: len(chain.rules) - len(row)]
            chains[chain.name] = Chain(chain.name, (*kept, _certain(row[0])), chain.policy)
            gone |= {rule.leads_to for rule in row[1:]}
        left = {rule.leads_to for chain in chains.values() for rule in chain.rules}
        tables.append(
            Table(
                table.name,
                tuple(c for name, c in chains.items() if name not in gone or name in left),
            )
        )
    return Thinned(Ruleset(ruleset.family, tuple(tables)), endpoints)


def _row_of_dice(chain: Chain) -> tuple[Rule, ...]:
    """Return the rules at the end of a chain that share what comes between them."""
    *others, last = chain.rules or (None,)
    if last is None or _dice(last):
        return ()
    start = len(others)
    while start and _dice(chain.rules[start - 1]):
        start -= 1
    row = chain.rules[start:]
    plain = all(isinstance(m, Comment | Statistic) for rule in row for m in rule.matches)
    return row if plain else ()


def _endpoints(
    row: tuple[Rule, ...], chains: dict[str, Chain]
) -> tuple[tuple[Dnat, Fraction], ...] | None:
    """Return where a row of rules leads, with chances; None when one leads elsewhere."""
    left = Fraction(1)
    found = []
    for rule in row:
        chain = chains.get(rule.leads_to)
        last = chain.rules[-1].target if chain is not None and chain.rules else None
        if not isinstance(last, Dnat):
            return None
        own = left
        for probability in _dice(rule):
            own *= chance_of(probability)
        left -= own
        found.append((last, own))
    return tuple(found)


def _certain(rule: Rule) -> Rule:
    kept = tuple(match for match in rule.matches if not isinstance(match, Statistic))
    return Rule(rule.chain, kept, rule.target)


def _dice(rule: Rule) -> list[float]:
    return [match.probability for match in rule.matches if isinstance(match, Statistic)]
