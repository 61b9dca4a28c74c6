"""All rules of one owner, to be removed.

A node that changes to nftables mode has iptables mode's chains to get rid of; so has a namespace in
a family that the lab has no more.

Source: kube-proxy, ``pkg/proxy/iptables/cleanup.go``.
"""

from collections.abc import Iterator
from dataclasses import replace

from netlab.netfilter.iptables.rules import Chain, Rule, Ruleset, Table
from netlab.netfilter.iptables.targets import Goto, Jump
from netlab.netfilter.ruleset_owner import Prefixes


def leftovers_text(have: Ruleset, prefixes: Prefixes) -> str:
    """Return the text for ``iptables-restore --noflush`` that removes chains and all jumps to them.

    Empty when there are none. Other rules stay as they are.
    """
    return "".join(_removal(table, prefixes) for table in have.tables)


def without_leftovers(have: Ruleset, prefixes: Prefixes) -> Ruleset:
    """Return what ``have`` becomes by that text."""
    return replace(have, tables=tuple(_without(table, prefixes) for table in have.tables))


def _without(table: Table, prefixes: Prefixes) -> Table:
    chains = (chain for chain in table.chains if not chain.name.startswith(prefixes))
    return replace(
        table,
        chains=tuple(
            replace(
                chain,
                rules=tuple(rule for rule in chain.rules if not _is_leftover(rule, prefixes)),
            )
            for chain in chains
        ),
    )


def _removal(table: Table, prefixes: Prefixes) -> str:
    chains = [chain.name for chain in table.chains if chain.name.startswith(prefixes)]
    lines = [f":{name} - [0:0]" for name in chains]
    for chain in table.chains:
        if chain.name not in chains:
            lines += _jumps(chain, prefixes)
    lines += [f"-X {name}" for name in chains]
    return "\n".join([f"*{table.name}", *lines, "COMMIT", ""]) if chains else ""


def _jumps(chain: Chain, prefixes: Prefixes) -> Iterator[str]:
    # By what they say and not by their numbers: others' rules may lie between them by now.
    for rule in chain.rules:
        if _is_leftover(rule, prefixes):
            yield f"-D {chain.name}{rule.specification}"


def _is_leftover(rule: Rule, prefixes: Prefixes) -> bool:
    return isinstance(rule.target, Jump | Goto) and rule.target.chain.startswith(prefixes)
