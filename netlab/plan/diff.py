"""Desired state and present state to the operations that lead from one to the other.

Operations come in phases, and within a phase namespace by namespace, so that the kernel's side
enters each namespace once a phase: namespaces and their settings first (a link takes its defaults
from them), then links (a veth end appears in two namespaces at once), then addresses and routes.

The kernel takes more away than it is asked to, and the plan makes up for it: a veth end goes with
its other end, a port leaves its bridge with the bridge, and the routes through a link go with the
link, or with its last address.
"""

from collections.abc import Iterator
from dataclasses import replace

from netlab.model.links import LabState, Link, NetnsState, Route, Sysctl
from netlab.model.names import NetnsName
from netlab.plan import ops
from netlab.plan.ops import Op

_NOTHING = NetnsState()
_IPV6_CONF = "net.ipv6.conf."
"""What is written to ``all`` here, the kernel writes to every link; so a link's own comes after."""
_LinkId = tuple[NetnsName, str]


def diff(have: LabState, want: LabState) -> list[Op]:
    """Return the operations that make ``have`` equal to ``want``; none when they are equal.

    A namespace that is not wanted is deleted. A link is made anew when its MTU or MAC address
    differs, and so is a veth pair of which one end is missing.
    """
    changed = [netns for netns, state in want.items() if have.get(netns) != state]
    new = _new_links(have, want, changed)
    touched = [netns for netns in want if netns in {*changed, *(netns for netns, _ in new)}]
    result: list[Op] = [ops.DeleteNetns(netns=netns) for netns in have if netns not in want]
    for netns in changed:
        result += _settings(netns, have.get(netns), want[netns])
    for netns in touched:
        result += _deleted_links(netns, have.get(netns, _NOTHING), want[netns], new)
    made: set[_LinkId] = set()
    for netns in touched:
        result += _created_links(netns, want[netns], new, made)
    for netns in touched:
        own = {ifname for where, ifname in new if where == netns}
        result += _addressing(netns, have.get(netns, _NOTHING), want[netns], own)
    return result


def _settings(netns: NetnsName, before: NetnsState | None, after: NetnsState) -> Iterator[Op]:
    if before is None:
        yield ops.CreateNetns(netns=netns)
    present = {sysctl.key: sysctl for sysctl in before.sysctls} if before else {}
    overwritten: set[str] = set()
    for sysctl in after.sysctls:
        where, _, name = sysctl.key.rpartition(".")
        is_amiss = before is None or _is_amiss(present.get(sysctl.key), sysctl)
        if is_amiss or (where.startswith(_IPV6_CONF) and name in overwritten):
            if where == f"{_IPV6_CONF}all":
                overwritten.add(name)
            yield ops.SetSysctl(
                netns=netns,
                key=sysctl.key,
                value=sysctl.value,
                if_present=sysctl.if_present,
                fallback=sysctl.fallback,
            )


def _is_amiss(have: Sysctl | None, want: Sysctl) -> bool:
    # The kernel's own list lacks what belongs to a module that is not loaded.
    if have is None:
        return not want.if_present
    return have != want and not (want.fallback and have.value == want.fallback)


def _new_links(have: LabState, want: LabState, changed: list[NetnsName]) -> set[_LinkId]:
    """Return the links that must be made; of a veth pair always both ends."""
    new: set[_LinkId] = set()
    for netns in changed:
        present = {link.ifname: link for link in have.get(netns, _NOTHING).links}
        for link in want[netns].links:
            if not _is_same_device(present.get(link.ifname), link):
                new.add((netns, link.ifname))
                if link.peer:
                    new.add((link.peer.netns, link.peer.ifname))
    return new


def _is_same_device(have: Link | None, want: Link) -> bool:
    # A bridge takes the MTU of its ports, or 1500 when it has none.
    is_bridge = want.peer is None
    return have is not None and have.mac == want.mac and (is_bridge or have.mtu == want.mtu)


def _deleted_links(
    netns: NetnsName, before: NetnsState, after: NetnsState, new: set[_LinkId]
) -> Iterator[Op]:
    wanted = {link.ifname for link in after.links}
    for link in before.links:
        if link.ifname not in wanted or (netns, link.ifname) in new:
            yield ops.DeleteLink(netns=netns, ifname=link.ifname)


def _created_links(
    netns: NetnsName, after: NetnsState, new: set[_LinkId], made: set[_LinkId]
) -> Iterator[Op]:
    """Yield what makes the new links, and note them in ``made``: a pair is made once."""
    for link in after.links:
        if (netns, link.ifname) not in new - made:
            continue
        made.add((netns, link.ifname))
        if link.peer is None:
            yield ops.CreateBridge(netns=netns, ifname=link.ifname, mac=link.mac, mtu=link.mtu)
        else:
            made.add((link.peer.netns, link.peer.ifname))
            yield ops.CreateVeth(
                netns=netns, ifname=link.ifname, mac=link.mac, mtu=link.mtu, peer=link.peer
            )


def _addressing(
    netns: NetnsName, before: NetnsState, after: NetnsState, new: set[str]
) -> Iterator[Op]:
    """Yield what gives links their addresses and the namespace its routes.

    Args:
        netns: The namespace.
        before: What it had before its ``new`` links were made.
        after: What it must have.
        new: Names of the links that were made anew.
    """
    present = {link.ifname: link for link in before.links if link.ifname not in new}
    for link in after.links:
        old = present.get(link.ifname)
        if old and old.master in new:
            old = replace(old, master=None, hairpin=False)
        yield from _link(netns, old, link)
    yield from _routes(netns, before, after, new)


def _link(netns: NetnsName, before: Link | None, after: Link) -> Iterator[Op]:
    if before and _is_same_link(before, after):
        return
    # A link that is not as it must be may have been left half made.
    yield ops.DisableOffloads(netns=netns, ifname=after.ifname)
    present = before.addresses if before else ()
    for address in present:
        if address not in after.addresses:
            yield ops.DeleteAddress(netns=netns, ifname=after.ifname, address=address)
    for address in after.addresses:
        if address not in present:
            yield ops.AddAddress(netns=netns, ifname=after.ifname, address=address)
    yield ops.SetLinkUp(netns=netns, ifname=after.ifname, master=after.master)
    if after.hairpin:
        yield ops.SetHairpin(netns=netns, ifname=after.ifname)


def _is_same_link(before: Link, after: Link) -> bool:
    # The kernel lists addresses in an order of its own: the last of IPv6 comes first.
    is_addressed = set(before.addresses) == set(after.addresses)
    return is_addressed and replace(before, mtu=after.mtu, addresses=after.addresses) == after


def _routes(netns: NetnsName, before: NetnsState, after: NetnsState, new: set[str]) -> Iterator[Op]:
    wanted = {link.ifname: link for link in after.links if link.ifname not in new}
    gone = {link.ifname for link in before.links if link.ifname not in wanted}
    stripped = {
        link.ifname
        for link in before.links
        if link.ifname in wanted and set(link.addresses) - set(wanted[link.ifname].addresses)
    }
    kept = set(before.routes)
    if gone or stripped:
        kept = {route for route in kept if _ifname_of(route, before) not in gone | stripped}
    destinations = {route.destination for route in after.routes}
    for route in before.routes:
        # Another route for the same destination takes its place, and no packet is lost between.
        if route.destination in destinations:
            continue
        # A route goes with its link; deleting it then would fail.
        if route in kept or _ifname_of(route, before) not in gone:
            yield ops.DeleteRoute(
                netns=netns,
                destination=route.destination,
                ifname=route.ifname,
                gateway=route.gateway,
            )
    for route in after.routes:
        if route not in kept:
            yield ops.AddRoute(
                netns=netns,
                destination=route.destination,
                ifname=route.ifname,
                gateway=route.gateway,
                nexthops=route.nexthops,
                is_unreachable=route.is_unreachable,
            )


def _ifname_of(route: Route, state: NetnsState) -> str | None:
    """Return the link that a route leads through; None when no link leads to its gateway."""
    gateway = route.nexthops[0].gateway if route.nexthops else route.gateway
    if route.ifname or gateway is None:
        return route.ifname
    on_link = (
        link.ifname
        for link in state.links
        if any(gateway in address.network for address in link.addresses)
    )
    routed = (
        other.ifname for other in state.routes if other.ifname and gateway in other.destination
    )
    return next(on_link, None) or next(routed, None)
