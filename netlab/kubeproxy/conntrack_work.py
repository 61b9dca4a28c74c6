"""Whose UDP connections are still to be looked through, and on which nodes.

A connection can only become stale when what its Service leads to changes, so a node looks through
those of changed Services alone; of all Services when nobody knows what its rules were before.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from netlab.kubeproxy.conntrack import udp_services
from netlab.kubeproxy.service_map import Name, ServiceMap
from netlab.model.addresses import Family
from netlab.netns_agent.udp_entries import UdpServices

Node = TypeVar("Node", bound=Hashable)


class UdpDue(Generic[Node]):
    """The work that is left on each node.

    Args:
        services: All Services; it is read, and never changed.
        family: The address family.
    """

    def __init__(self, services: ServiceMap, family: Family) -> None:
        self._services = services
        self._family = family
        self._leads: dict[Name, UdpServices] = {}
        """Of every Service with UDP ports."""
        self._due: defaultdict[Node, set[Name]] = defaultdict(set)

    def changed(self, names: Iterable[Name], nodes: Iterable[Node]) -> None:
        """Take note of Services that may be others now; ``nodes`` have their rules."""
        nodes = list(nodes)
        for name in names:
            before, now = self._leads.pop(name, None), self._read([name])
            if now:
                self._leads[name] = now
            if now != before:
                for node in nodes:
                    self._due[node].add(name)

    def all_changed(self, nodes: Iterable[Node]) -> None:
        """Have everything looked through on these nodes."""
        for node in nodes:
            self._due[node] = set(self._leads)

    def due(self, nodes: Iterable[Node]) -> tuple[list[Node], UdpServices]:
        """Return those of ``nodes`` with work left, and the Services that it is about."""
        names = {node: self._due[node] & self._leads.keys() for node in nodes}
        found = [node for node in names if names[node]]
        return found, self._read(sorted(set().union(*names.values())))

    def done(self, nodes: Iterable[Node]) -> None:
        """Take note that nothing is left on these nodes."""
        for node in nodes:
            self._due.pop(node, None)

    def _read(self, names: Iterable[Name]) -> UdpServices:
        served = (self._services.get(name) for name in names)
        return udp_services((each for each in served if each is not None), self._family)
