"""What iptables mode leaves on a node that changes to nftables mode.

Source: kube-proxy, ``pkg/proxy/iptables/cleanup.go``.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from netlab.netfilter.rules import Chain, Rule, Ruleset, Table
from netlab.netfilter.targets import Goto, Jump

_PREFIX: Final = "KUBE-"


def iptables_leftovers_text(have: Ruleset) -> str:
    """Return the text for ``iptables-restore --noflush`` that removes all of kube-proxy's chains.

    Empty when there are none. Other rules stay as they are.
    """
    return "".join(_removal(table) for table in have.tables)


def without_leftovers(have: Ruleset) -> Ruleset:
    """Return what ``have`` becomes by that text."""
    return replace(have, tables=tuple(_without(table) for table in have.tables))


def _without(table: Table) -> Table:
    chains = (chain for chain in table.chains if not chain.name.startswith(_PREFIX))
    return replace(
        table,
        chains=tuple(
            replace(chain, rules=tuple(rule for rule in chain.rules if not _is_leftover(rule)))
            for chain in chains
        ),
    )


def _removal(table: Table) -> str:
    chains = [chain.name for chain in table.chains if chain.name.startswith(_PREFIX)]
    lines = [f":{name} - [0:0]" for name in chains]
    for chain in table.chains:
        if chain.name not in chains:
            lines += _jumps(chain)
    lines += [f"-X {name}" for name in chains]
    return "\n".join([f"*{table.name}", *lines, "COMMIT", ""]) if chains else ""


def _jumps(chain: Chain) -> Iterator[str]:
    # From the last to the first, so that the numbers of those that remain hold.
    for number, rule in reversed(list(enumerate(chain.rules, 1))):
        if _is_leftover(rule):
            yield f"-D {chain.name} {number}"


def _is_leftover(rule: Rule) -> bool:
    return isinstance(rule.target, Jump | Goto) and rule.target.chain.startswith(_PREFIX)
