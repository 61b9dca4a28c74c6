"""Ruleset to the text that iptables-restore reads."""

from netlab.netfilter.iptables.rules import Ruleset, Table


def render(ruleset: Ruleset) -> str:
    """Return ``ruleset`` as iptables-restore text, tables and chains in the ruleset's own order.

    Every chain is declared before the first rule of its table. Loaded without ``--noflush`` the
    text replaces the tables it names; to reach a state with the least change, see
    ``netlab.netfilter.iptables.sync``.
    """
    return "".join(_render_table(table) for table in ruleset.tables)


def _render_table(table: Table) -> str:
    lines = [f"*{table.name}"]
    lines += [str(chain) for chain in table.chains]
    lines += [str(rule) for chain in table.chains for rule in chain.rules]
    lines += ["COMMIT", ""]
    return "\n".join(lines)
