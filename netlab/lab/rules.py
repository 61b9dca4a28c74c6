"""A host's rules, read back from the kernel, and what the control plane would load."""

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from netlab.client.api_client import Client
from netlab.client.hosts import find_netns
from netlab.errors import KernelError, LabError
from netlab.kubeproxy.rule_groups import RuleGroup, group_by_service, with_table
from netlab.linux import iptables, nft
from netlab.linux.netns import inside
from netlab.model import rundir
from netlab.model.addresses import Family
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.netfilter.iptables.counters import parse_counted
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


def read_groups(lab: str, host: str, service: str = "") -> list[RuleGroup]:
    """Return the rules of a host by Service; the control plane has no part in it.

    Args:
        lab: Name.
        host: A node, or any other host of the lab.
        service: ``namespace/name``, or a name in ``default``; empty for everything.

    Raises:
        LabError: There is no such lab, host, or Service among the rules.
        KernelError: iptables cannot read them.
    """
    netns = find_netns(lab, host)
    groups = [group for family in iptables.families() for group in _groups(netns, family)]
    # Beside each other: what is said of a Service in one family, and in the other.
    groups.sort(key=lambda group: (not group.service, group.service))
    if not service:
        return groups
    wanted = service if "/" in service else f"default/{service}"
    found = [group for group in groups if group.service == wanted]
    if not found:
        names = [group.service for group in groups if group.service]
        near = difflib.get_close_matches(wanted, names, n=3) or names[:8]
        hint = f"there are rules of {', '.join(near)}" if near else "there are rules of no Service"
        raise LabError(f"{host} holds no rule of Service {wanted}", hint=hint)
    return found


def read_differences(lab: str, node: str) -> list[Difference]:
    """Return where the kernel's rules are not those that the control plane would load.

    Raises:
        LabError: There is no such lab or node, or no control plane to ask.
        KernelError: iptables cannot read the rules.
    """
    netns = find_netns(lab, node)
    wanted = Client(rundir.control_socket(lab)).get(f"/netlab/v1/rules/{node}")
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


def _groups(netns: NetnsName, family: Family) -> list[RuleGroup]:
    text = _iptables(netns, family, counters=True)
    groups, table = group_by_service(parse_counted(text, family)), _table(netns, family)
    if table is not None:
        groups = with_table(groups, table)
    return [replace(group, family=family) for group in groups]


def _differences(
    netns: NetnsName, family: Family, wanted: Mapping[str, str | None]
) -> list[Difference]:
    rules, tables = wanted["iptables"] or "", wanted["nftables"]
    held, has = _iptables(netns, family), _table(netns, family)
    table = parse_table(tables) if tables is not None else None
    if table is not None and has is not None:
        has = without(has, waiting_chains(table, has))
    return [
        *differences(parse(rules, family), parse(held, family)),
        *table_differences(table, has),
    ]


def _iptables(netns: NetnsName, family: Family, *, counters: bool = False) -> str:
    text = iptables.save([netns], family, counters=counters)[netns]
    if why := unreadable_table(text):
        raise KernelError(why, hint=f"sudo ip netns exec {netns} nft -a list ruleset")
    return text


def _table(netns: NetnsName, family: Family) -> Table | None:
    listing = nft.list_table([netns], family, TABLE)[netns]
    return parse_listing(listing).table if listing else None
