"""Rules with what they have counted, from the text of ``iptables-save -c``."""

from collections import defaultdict
from dataclasses import dataclass

from netlab.model.addresses import Family
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.rules import Rule
from netlab.netfilter.iptables.words import logical_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRule:
    """One rule as the kernel holds it."""

    table: str
    rule: Rule
    text: str
    """The ``-A`` line, as it was printed."""
    packets: int
    bytes: int


def parse_counted(text: str, family: Family) -> list[CountedRule]:
    """Return the rules that ``iptables-save -c`` prints, table by table, chain by chain.

    Raises:
        SpecError: A line is none that iptables-save prints.
    """
    lines = _lines_by_chain(text)
    return [
        CountedRule(table=table.name, rule=rule, text=line, packets=packets, bytes=size)
        for table in parse(text, family).tables
        for chain in table.chains
        for rule, (line, packets, size) in zip(
            chain.rules, lines[table.name, chain.name], strict=True
        )
    ]


def _lines_by_chain(text: str) -> dict[tuple[str, str], list[tuple[str, int, int]]]:
    found: dict[tuple[str, str], list[tuple[str, int, int]]] = defaultdict(list)
    table = ""
    for line in logical_lines(text):
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith("["):
            counters, _, rule = line.partition("] ")
            packets, _, size = counters[1:].partition(":")
            found[table, rule.split(" ", 2)[1]].append((rule, int(packets), int(size)))
    return found
