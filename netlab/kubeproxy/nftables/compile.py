"""kube-proxy's nftables mode: Services and endpoints to the table of one node.

Theory of operation
-------------------
A packet's address, protocol and port are looked up in maps, whose size costs nothing, and lead to
the Service's own chains; those choose an endpoint, mark what must come back by this node, and
rewrite the destination. What is still for a Service's address after that has no endpoint and is
rejected or dropped. The table is kube-proxy's alone, so nothing else's rules are touched.

What each Service adds to the table is compiled apart and kept, as in iptables mode. What a change
makes of the table is two small tables, as it was and as it is, of the changed Services alone.

Against iptables mode: NodePorts answer on the node IP alone unless nodePortAddresses says more, and
never on loopback; ports that a ClusterIP does not define are rejected; source ranges are checked
before DNAT; invalid packets are not dropped, and nothing is accepted on behalf of a host firewall,
neither forwarded Service packets nor health checks.

Source: kube-proxy, ``pkg/proxy/nftables/proxier.go``; Kubernetes documentation, Virtual IPs and
Service Proxies, "Migrating from iptables mode to nftables"; KEP-3866.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from netlab.kube.kinds.service.view import EndpointSlice, ProxyNode, Service
from netlab.kubeproxy.nftables import static
from netlab.kubeproxy.nftables.chains import NodeContext
from netlab.kubeproxy.nftables.service_part import NOTHING, SHARED_SETS, ServicePart, service_part
from netlab.kubeproxy.service_map import Name, ServiceMap
from netlab.kubeproxy.service_ports import ProxiedPort, ports_of
from netlab.model.addresses import Family, Network
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.nftables.render import render
from netlab.netfilter.nftables.table import Element, Table


def compile_text(
    node: ProxyNode,
    services: Sequence[Service],
    slices: Sequence[EndpointSlice],
    configuration: ProxyConfiguration,
    family: Family,
    service_cidrs: Sequence[Network] = (),
) -> str:
    """Return text for ``nft -f`` that brings one node's table about, whole and at once.

    Loading it twice is the same as loading it once; clients keep the endpoint they stay with. The
    same objects give the same bytes, in whatever order they come.

    Args:
        node: The node.
        services: All Services.
        slices: All EndpointSlices.
        configuration: ``localhost_node_ports`` and ``random_fully`` mean nothing in this mode.
        family: The address family.
        service_cidrs: Where ClusterIPs come from; packets for one that no Service has are dropped.
    """
    return render(compile_table(node, services, slices, configuration, family, service_cidrs))


def compile_table(
    node: ProxyNode,
    services: Sequence[Service],
    slices: Sequence[EndpointSlice],
    configuration: ProxyConfiguration,
    family: Family,
    service_cidrs: Sequence[Network] = (),
) -> Table:
    """Return what kube-proxy lays on ``node`` for one address family, as a value.

    Args:
        node: The node.
        services: All Services.
        slices: All EndpointSlices.
        configuration: As for ``compile_text``.
        family: The address family.
        service_cidrs: As for ``compile_text``.
    """
    served = ServiceMap.of(services, slices)
    context = NodeContext(node=node, configuration=configuration, family=family)
    compilation = TableCompilation(context, service_cidrs)
    compilation.update({name: ports_of(served.get(name), node, family) for name in served.names()})
    return compilation.table()


class TableCompilation:
    """The table of one node, kept Service by Service.

    What it holds depends on what the Services are now, and not on what they were.
    """

    def __init__(self, context: NodeContext, service_cidrs: Sequence[Network] = ()) -> None:
        self._context = context
        self._service_cidrs = service_cidrs
        self._parts: dict[Name, ServicePart] = {}
        self._names: list[Name] = []
        """Of ``_parts``, in order."""
        self._claims: tuple[defaultdict[str, list[Name]], ...] = tuple(
            defaultdict(list) for _ in SHARED_SETS
        )
        """The Services with an entry of a key, in each of ``SHARED_SETS``."""

    def update(self, services: Mapping[Name, Sequence[ProxiedPort]]) -> tuple[Table, Table]:
        """Compile these Services anew.

        Args:
            services: All ports of each Service that is not what it was; none if it is gone.

        Returns:
            What of the table is another now: as it was, and as it is. All else is the same.
        """
        parts = {name: service_part(services[name], self._context) for name in sorted(services)}
        old = {name: self._parts.get(name, NOTHING) for name in parts}
        names = [name for name in parts if parts[name] != old[name]]
        keys = [_keys(index, names, old, parts) for index in range(len(SHARED_SETS))]
        before = self._table_of([old[name] for name in names], keys)
        for name in names:
            self._insert(name, parts[name])
        return before, self._table_of([parts[name] for name in names], keys)

    def table(self) -> Table:
        """Return the whole table; what did not change is the very value it was before."""
        context, parts = self._context, [self._parts[name] for name in self._names]
        shared = static.shared_chains(
            context.node, context.configuration, context.family, self._service_cidrs
        )
        node_port_ips = static.node_port_ips(context.node, context.configuration, context.family)
        first, *others = (
            each.holding(_first_of(parts, index), context.family)
            for index, each in enumerate(SHARED_SETS)
        )
        own = (one for part in parts for one in part.sets)
        return Table(
            family=context.family,
            chains=(
                *static.base_chains(),
                *shared,
                *(chain for part in parts for chain in part.chains),
            ),
            sets=(first, *([node_port_ips] if node_port_ips else []), *others, *own),
        )

    def _insert(self, name: Name, part: ServicePart) -> None:
        old = self._parts.pop(name, None)
        if old is None:
            insort(self._names, name)
            old = NOTHING
        if part == NOTHING:
            del self._names[bisect_left(self._names, name)]
        else:
            self._parts[name] = part
        for claims, gone, new in zip(self._claims, old.entries, part.entries, strict=True):
            for key in {element.key for element in gone}:
                claims[key].remove(name)
                if not claims[key]:
                    del claims[key]
            for key in {element.key for element in new}:
                claims[key].append(name)

    def _table_of(self, parts: Sequence[ServicePart], keys: Sequence[Iterable[str]]) -> Table:
        """Return a table of nothing but these parts' own, and what these keys now lead to."""
        family = self._context.family
        return Table(
            family=family,
            chains=tuple(chain for part in parts for chain in part.chains),
            sets=(
                *(
                    each.holding(self._entries(index, keys[index]), family)
                    for index, each in enumerate(SHARED_SETS)
                ),
                *(one for part in parts for one in part.sets),
            ),
        )

    def _entries(self, index: int, keys: Iterable[str]) -> list[Element]:
        """Return the entries with these keys, in the order in which the whole table has them."""
        claims = self._claims[index]
        first = {key: min(claims[key]) for key in keys if key in claims}
        return [
            element
            for name in sorted(set(first.values()))
            for element in _first_of([self._parts[name]], index)
            if first.get(element.key) == name
        ]


def _keys(
    index: int,
    names: Iterable[Name],
    old: Mapping[Name, ServicePart],
    new: Mapping[Name, ServicePart],
) -> set[str]:
    return {
        element.key
        for name in names
        for part in (old[name], new[name])
        for element in part.entries[index]
    }


def _first_of(parts: Iterable[ServicePart], index: int) -> Iterable[Element]:
    """Return the entries of all parts; of two with one key the first counts.

    A map has one verdict for a key, and the kernel refuses a second one.
    """
    found: dict[str, Element] = {}
    for part in parts:
        for element in part.entries[index]:
            found.setdefault(element.key, element)
    return found.values()
