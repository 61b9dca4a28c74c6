"""Where a host's rules are not those that the control plane would load."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from netlab.client.api_client import Client
from netlab.client.cluster import Objects
from netlab.client.hosts import find_netns
from netlab.errors import KernelError
from netlab.linux import iptables, nft
from netlab.linux.netns import inside
from netlab.model import rundir
from netlab.model.addresses import Family
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.netfilter.iptables.differences import Difference, Side, differences
from netlab.netfilter.iptables.parse import parse, unreadable_table
from netlab.netfilter.iptables.rules import TABLE_NAMES
from netlab.netfilter.nftables.differences import table_differences
from netlab.netfilter.nftables.families import ip
from netlab.netfilter.nftables.parse import parse as parse_table
from netlab.netfilter.nftables.parse import parse_listing
from netlab.netfilter.nftables.sync import waiting_chains, without
from netlab.netfilter.nftables.table import TABLE, Table
from netlab.sources.rule_tables import read_tables

_NO_RULES: Final = {"iptables": "", "nftables": None}


def read_differences(lab: str, node: str) -> list[Difference]:
    """Return where the kernel's rules are not those that the control plane would load.

    Raises:
        LabError: There is no such lab or node, or no control plane to ask.
        KernelError: iptables cannot read the rules.
    """
    return differences_of(find_netns(lab, node), node, Client(rundir.control_socket(lab)))


def differences_of(netns: NetnsName, node: str, objects: Objects) -> list[Difference]:
    """Return the same of a node whose namespace is known.

    Raises:
        LabError: The control plane does not answer, or has no rules for that host.
        KernelError: iptables cannot read the rules.
    """
    wanted = objects.get(f"/netlab/v1/rules/{node}")
    found = [
        replace(difference, family=family)
        for family in iptables.families()
        for difference in _differences(netns, family, wanted.get(family, _NO_RULES))
    ]
    return [*found, *map(_foreign_table, foreign_tables(netns))]


def foreign_tables(netns: NetnsName) -> list[str]:
    """Return the nftables tables that packets meet and that are nobody's of netlab's.

    Each is called as ``nft list tables`` does: ``inet mine``.
    """
    host = Host(name=netns, kind=HostKind.NODE, netns=netns, addresses=())
    found = {
        name if " " in name else f"{ip(family)} {name}": None
        for family in iptables.families()
        for name in read_tables(host, inside, 4 if family is Family.IPV4 else 6)
        if name not in {*TABLE_NAMES, TABLE}
    }
    return list(found)


def _foreign_table(name: str) -> Difference:
    return Difference(table=name, chain="", only=Side.KERNEL, text=f"table {name}")


def _differences(
    netns: NetnsName, family: Family, wanted: Mapping[str, str | None]
) -> list[Difference]:
    rules, tables = wanted["iptables"] or "", wanted["nftables"]
    held, has = read_iptables(netns, family), read_table(netns, family)
    table = parse_table(tables) if tables is not None else None
    if table is not None and has is not None:
        has = without(has, waiting_chains(table, has))
    return [
        *differences(parse(rules, family), parse(held, family)),
        *table_differences(table, has),
    ]


def read_iptables(netns: NetnsName, family: Family, *, counters: bool = False) -> str:
    """Return what iptables-save says of a namespace.

    Raises:
        KernelError: There is a table that iptables cannot read.
    """
    text = iptables.save([netns], family, counters=counters)[netns]
    if why := unreadable_table(text):
        raise KernelError(why, hint=f"sudo ip netns exec {netns} nft -a list ruleset")
    return text


def read_table(netns: NetnsName, family: Family) -> Table | None:
    """Return kube-proxy's nftables table; None where there is none."""
    listing = nft.list_table([netns], family, TABLE)[netns]
    return parse_listing(listing).table if listing else None
