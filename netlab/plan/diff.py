"""Desired state and present state to the operations that lead from one to the other.

Operations come in phases, and within a phase namespace by namespace, so that the kernel's side
enters each namespace once a phase: namespaces and their settings first (a link takes its defaults
from them), then links (a veth end appears in two namespaces at once), then addresses and routes.
"""

from collections.abc import Iterator

from netlab.model.links import LabState, Link, NetnsState
from netlab.model.names import NetnsName
from netlab.plan import ops
from netlab.plan.ops import Op

_NOTHING = NetnsState()


def diff(have: LabState, want: LabState) -> list[Op]:
    """Return the operations that make ``have`` equal to ``want``; none when they are equal.

    A namespace that is not wanted is deleted. A link whose MTU or MAC address differs is made anew.
    """
    changed = [(netns, have.get(netns), state) for netns, state in want.items()]
    changed = [change for change in changed if change[1] != change[2]]
    result: list[Op] = [ops.DeleteNetns(netns=netns) for netns in have if netns not in want]
    for netns, before, after in changed:
        result += _settings(netns, before, after)
    made = _MadeLinks()
    for netns, before, after in changed:
        result += made.links(netns, before or _NOTHING, after)
    for netns, before, after in changed:
        result += _addressing(netns, made.remaining(netns, before or _NOTHING), after)
    return result


def _settings(netns: NetnsName, before: NetnsState | None, after: NetnsState) -> Iterator[Op]:
    if before is None:
        yield ops.CreateNetns(netns=netns)
    present = set(before.sysctls) if before else set()
    for sysctl in after.sysctls:
        if sysctl not in present:
            yield ops.SetSysctl(
                netns=netns, key=sysctl.key, value=sysctl.value, if_present=sysctl.if_present
            )


class _MadeLinks:
    """The links made so far: a veth pair is wanted by both its namespaces and made once."""

    def __init__(self) -> None:
        self._made: set[tuple[NetnsName, str]] = set()

    def links(self, netns: NetnsName, before: NetnsState, after: NetnsState) -> Iterator[Op]:
        present = {link.ifname: link for link in before.links}
        wanted = {link.ifname for link in after.links}
        for ifname in present.keys() - wanted:
            yield ops.DeleteLink(netns=netns, ifname=ifname)
        for link in after.links:
            if (netns, link.ifname) in self._made or _same_device(present.get(link.ifname), link):
                continue
            if link.ifname in present:
                yield ops.DeleteLink(netns=netns, ifname=link.ifname)
            yield self._create(netns, link)

    def remaining(self, netns: NetnsName, before: NetnsState) -> NetnsState:
        """Return ``before`` without the links that were made anew, and without their routes."""
        gone = {ifname for where, ifname in self._made if where == netns}
        if not gone:
            return before
        return NetnsState(
            sysctls=before.sysctls,
            links=tuple(link for link in before.links if link.ifname not in gone),
            routes=tuple(route for route in before.routes if route.ifname not in gone),
        )

    def _create(self, netns: NetnsName, link: Link) -> Op:
        self._made.add((netns, link.ifname))
        if link.peer is None:
            return ops.CreateBridge(netns=netns, ifname=link.ifname, mac=link.mac, mtu=link.mtu)
        self._made.add((link.peer.netns, link.peer.ifname))
        return ops.CreateVeth(
            netns=netns, ifname=link.ifname, mac=link.mac, mtu=link.mtu, peer=link.peer
        )


def _same_device(have: Link | None, want: Link) -> bool:
    return have is not None and (have.mac, have.mtu) == (want.mac, want.mtu)


def _addressing(netns: NetnsName, before: NetnsState, after: NetnsState) -> Iterator[Op]:
    present = {link.ifname: link for link in before.links}
    for link in after.links:
        yield from _link(netns, present.get(link.ifname), link)
    wanted = {link.ifname for link in after.links}
    for route in before.routes:
        # A route goes with its link; deleting it then would fail.
        if route not in after.routes and (route.ifname is None or route.ifname in wanted):
            yield ops.DeleteRoute(
                netns=netns,
                destination=route.destination,
                ifname=route.ifname,
                gateway=route.gateway,
            )
    routes = set(before.routes)
    for route in after.routes:
        if route not in routes:
            yield ops.AddRoute(
                netns=netns,
                destination=route.destination,
                ifname=route.ifname,
                gateway=route.gateway,
            )


def _link(netns: NetnsName, before: Link | None, after: Link) -> Iterator[Op]:
    if before == after:
        return
    if before is None:
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
