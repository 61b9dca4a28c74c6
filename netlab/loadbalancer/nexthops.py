"""How connections spread over nodes: a route with several ways, as routers have it (ECMP).

Theory of operation
-------------------
The kernel hashes a packet's addresses and ports (``fib_multipath_hash_policy`` 1) and looks up the
hash in the ways of the route, each of which has a share of all hashes by its weight. All packets of
a connection go one way, and nothing is remembered.

If only the healthy nodes were listed, the shares of all would shift whenever one leaves or comes,
and connections to nodes that are well would break. So the hashes are cut into slots, of which
every node that takes part owns as many, and the slots of an unhealthy node are dealt to the others
one by one. Nobody else's move. IPv6 routes name each gateway once, so there shares may shift.

Source: Linux, ``net/ipv4/fib_semantics.c`` (fib_rebalance, fib_select_multipath) and
``net/ipv6/route.c`` (ip6_route_multipath_add).
"""

from collections.abc import Collection, Sequence
from itertools import groupby
from math import gcd, lcm
from typing import Final

from netlab.model.addresses import Address
from netlab.model.links import NextHop

_SLOTS: Final = 256
"""Of a route at most, about; beyond, a share is as even as it can be."""
_EACH: Final = 12


def spread(nodes: Sequence[Address], healthy: Collection[Address]) -> tuple[NextHop, ...]:
    """Return the ways to the healthy nodes; none when there is no such node.

    Args:
        nodes: All that take part, in an order that stays.
        healthy: Those of them to send to.

    >>> from ipaddress import ip_address
    >>> one, two, three = (ip_address(f"10.0.0.{number}") for number in (1, 2, 3))
    >>> [(str(way.gateway)[-1], way.weight) for way in spread([one, two, three], [one, three])]
    [('1', 1), ('3', 1)]
    """
    slots = _slots(nodes, healthy)
    if slots and slots[0].version == 6:
        slots = [slot for node in nodes for slot in slots if slot == node]
    runs = [(node, len(list(run))) for node, run in groupby(slots)]
    divisor = gcd(*(count for _, count in runs)) if runs else 1
    return tuple(NextHop(gateway=node, weight=count // divisor) for node, count in runs)


def _slots(nodes: Sequence[Address], healthy: Collection[Address]) -> list[Address]:
    up = [node for node in nodes if node in healthy]
    if not up:
        return []
    each = min(lcm(*range(1, max(len(nodes), 2))), _EACH, max(_SLOTS // len(nodes), 1))
    slots, dealt = [], 0
    for node in nodes:
        if node in healthy:
            slots += [node] * each
            continue
        for number in range(each):
            slots.append(up[(dealt + number) % len(up)])
        dealt += each
    return slots
