"""Read a node's rules: whether they follow a Service yet, and what they dropped."""

import re
from dataclasses import dataclass

from netlab.client.cluster import ServicePort
from netlab.lab.demo import node_table
from netlab.linux import iptables, nft
from netlab.model.addresses import Family
from netlab.model.hosts import Host
from netlab.netfilter.nftables.listing import parse_listing
from netlab.netfilter.nftables.table import TABLE, Table, ip


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesRead:
    """What a node held at one moment."""

    iptables: str
    """As ``iptables-save -c``, or ``ip6tables-save -c``, prints it."""
    table: Table | None = None
    """kube-proxy's table of nftables, in that mode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRule:
    """What drops a Service's packets on a node."""

    text: str
    packets: int | None
    """Dropped so far; None when nothing counts them."""
    command: str
    """What shows it."""


def read_rules(node: Host, family: Family) -> RulesRead:
    """Return the rules of a node for one address family.

    Raises:
        HostError: iptables or nft is missing, or its listing failed.
    """
    names = [node.netns]
    listing = nft.list_table(names, family, TABLE)[node.netns]
    return RulesRead(
        iptables=iptables.save(names, family, counters=True)[node.netns],
        table=parse_listing(listing).table if listing else None,
    )


def follow(rules: RulesRead, node: str, service: ServicePort) -> bool:
    """Tell whether ``rules`` of ``node`` are those of the Service as it is now."""
    if rules.table is not None:
        return node_table.follows(rules.table, node, service)
    text = rules.iptables
    wanted = [f"-d {service.cluster_ip}/"]
    wanted += [f"--to-destination {backend}" for backend in service.backends]
    wanted += [f"--dport {service.node_port} "] if service.node_port else []
    local = service.policy == "Local"
    masquerades = f'"masquerade traffic for {service.key} external destinations"' in text
    drops = dropped(rules, service) is not None
    return (
        all(words in text for words in wanted)
        and masquerades == (service.node_port is not None and not local)
        and drops == (local and not service.has_backend_on(node))
    )


def dropped(rules: RulesRead, service: ServicePort) -> DropRule | None:
    """Return what drops packets for which there is no local endpoint.

    None when the node has no such rule for the Service.
    """
    if rules.table is not None:
        entry = node_table.drop_entry(rules.table, service)
        command = f"nft list map {ip(service.family)} {TABLE} {node_table.NODE_PORTS}"
        return DropRule(text=entry, packets=None, command=command) if entry else None
    found = re.search(
        rf'^\[(\d+):\d+\] (-A KUBE-EXTERNAL-SERVICES .*"{re.escape(service.key)}'
        r' has no local endpoints".* -j DROP)$',
        rules.iptables,
        re.MULTILINE,
    )
    if found is None:
        return None
    program = "iptables-save" if service.family is Family.IPV4 else "ip6tables-save"
    return DropRule(text=found[2], packets=int(found[1]), command=f"{program} -c")
