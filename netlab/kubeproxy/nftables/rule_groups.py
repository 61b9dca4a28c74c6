"""What kube-proxy's table says of packets, by the Service it is said for.

The verdicts of a map are as much rules as those in chains: they are where a Service begins.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from netlab.kubeproxy.nftables.names import service_of_chain
from netlab.netfilter.nftables.rules import Rule
from netlab.netfilter.nftables.table import TABLE, Chain, Element, NamedSet, Table

_STAGES: Final = (
    *("firewall-ips", "firewall-", "service-ips", "service-nodeports"),
    *("external-", "service-", "local-", "endpoint-"),
    *("no-endpoint-services", "no-endpoint-nodeports"),
)
"""Maps, and beginnings of chains' names, in the order in which a packet meets them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry:
    """A rule of a chain, or an entry of a map."""

    parent: Chain | NamedSet
    member: Rule | Element

    @property
    def table(self) -> str:
        """Where it is."""
        return TABLE

    @property
    def text(self) -> str:
        """The words that nft reads."""
        return str(self.member)


def entries_by_service(table: Table) -> dict[str, list[TableEntry]]:
    """Return what is said of each Service, by ``namespace/name``, in the order packets meet it.

    What is said whatever Services there are stands under the empty name, in the table's own order.
    """
    groups: dict[str, list[TableEntry]] = defaultdict(list)
    for one in _entries(table):
        groups[_service_of(one)].append(one)
    return {name: sorted(found, key=_stage) if name else found for name, found in groups.items()}


def _entries(table: Table) -> Iterator[TableEntry]:
    for named in table.sets:
        if named.is_map:
            yield from (TableEntry(parent=named, member=element) for element in named.elements)
    for chain in table.chains:
        yield from (TableEntry(parent=chain, member=rule) for rule in chain.rules)


def _service_of(one: TableEntry) -> str:
    if isinstance(one.member, Rule):
        port_name = service_of_chain(one.parent.name)
    else:
        verdict = one.member.verdict
        port_name = one.member.comment or service_of_chain(verdict.chain if verdict else "")
    return port_name.partition(":")[0]


def _stage(one: TableEntry) -> int:
    name = one.parent.name
    return next((at for at, begin in enumerate(_STAGES) if name.startswith(begin)), len(_STAGES))
