"""A host's rules, read back from the kernel, by the Service that they are for."""

import difflib
from dataclasses import replace

from netlab.client.hosts import find_netns
from netlab.client.rule_differences import read_iptables, read_table
from netlab.errors import LabError
from netlab.kubeproxy.rule_groups import RuleGroup, group_by_service, with_table
from netlab.linux import iptables
from netlab.model.addresses import Family
from netlab.model.names import NetnsName
from netlab.netfilter.iptables.counters import parse_counted


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


def _groups(netns: NetnsName, family: Family) -> list[RuleGroup]:
    text = read_iptables(netns, family, counters=True)
    groups, table = group_by_service(parse_counted(text, family)), read_table(netns, family)
    if table is not None:
        groups = with_table(groups, table)
    return [replace(group, family=family) for group in groups]
