"""kube-proxy's iptables mode: Services and endpoints to the ruleset of one node.

Theory of operation
-------------------
Table nat decides: KUBE-SERVICES finds the Service by address and port, the Service's own chains
choose an endpoint and rewrite the destination, and what must come back by this node gets a mark
that KUBE-POSTROUTING turns into masquerading. Table filter only says no: it meets Service
addresses that nat had nowhere to send. Services are laid by namespace, name and port name.

The rules of each Service are compiled apart and kept. When one changes it alone is compiled again;
a chain that all Services share is put together anew only if that Service's part in it is another
one. So the work follows the change, and what comes of it is the same as from the beginning.

Source: kube-proxy, ``pkg/proxy/iptables/proxier.go`` (syncProxyRules).
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from netlab.kube.kinds.service.view import EndpointSlice, ProxyNode, Service
from netlab.kubeproxy.iptables import dispatch, static
from netlab.kubeproxy.iptables.chains import NodeContext
from netlab.kubeproxy.iptables.service_rules import (
    NO_RULES,
    SHARED_CHAINS,
    ServiceRules,
    service_rules,
)
from netlab.kubeproxy.service_map import Name, ServiceMap
from netlab.kubeproxy.service_ports import ProxiedPort, ports_of
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table
from netlab.netfilter.iptables.sync import TableChange

LARGE_CLUSTER_ENDPOINTS: Final = 1000


def compile_ruleset(
    node: ProxyNode,
    services: Sequence[Service],
    slices: Sequence[EndpointSlice],
    configuration: ProxyConfiguration,
    family: Family,
) -> Ruleset:
    """Return what kube-proxy lays on ``node`` for one address family, jumps included.

    The same objects give the same ruleset, in whatever order they come.
    """
    served = ServiceMap.of(services, slices)
    context = NodeContext(
        node=node, configuration=configuration, family=family, is_large=is_large(served, family)
    )
    compilation = Compilation(context)
    compilation.update({name: ports_of(served.get(name), node, family) for name in served.names()})
    return compilation.ruleset()


def is_large(services: ServiceMap, family: Family) -> bool:
    """Tell whether there are so many endpoints that their rules go without comments."""
    return services.count_endpoints(family) > LARGE_CLUSTER_ENDPOINTS


class Compilation:
    """The rules of one node, kept Service by Service.

    What it holds depends on what the Services are now, and not on what they were.
    """

    def __init__(self, context: NodeContext) -> None:
        self.context = context
        self._rules: dict[Name, ServiceRules] = {}
        self._names: list[Name] = []
        """Of ``_rules``, in order."""

    def update(self, services: Mapping[Name, Sequence[ProxiedPort]]) -> list[TableChange]:
        """Compile these Services anew and return what that changes, by table.

        Args:
            services: All ports of each Service that is not what it was; none if it is gone.
        """
        touched: set[int] = set()
        written: list[Chain] = []
        deleted: list[str] = []
        for name in sorted(services):
            old = self._rules.get(name, NO_RULES)
            new = service_rules(services[name], self.context)
            if old == new:
                continue
            self._insert(name, new)
            touched.update(_differences(old.shared, new.shared))
            before = {chain.name: chain for chain in old.chains}
            after = {chain.name for chain in new.chains}
            written += [chain for chain in new.chains if before.get(chain.name) != chain]
            deleted += [each for each in before if each not in after]
        refilled = [(SHARED_CHAINS[index].table, self._shared(index)) for index in sorted(touched)]
        in_filter = tuple(chain for table, chain in refilled if table == "filter")
        in_nat = (*(chain for table, chain in refilled if table == "nat"), *written)
        return [
            TableChange(table="filter", written=in_filter),
            TableChange(table="nat", written=in_nat, deleted=tuple(deleted)),
        ]

    def ruleset(self) -> Ruleset:
        """Return all rules, jumps included."""
        tables = (
            static.mangle_table(),
            Table("filter", tuple(self._filter_chains())),
            Table("nat", tuple(self._nat_chains())),
        )
        return Ruleset(self.context.family, tables)

    def _insert(self, name: Name, rules: ServiceRules) -> None:
        if rules == NO_RULES:
            del self._rules[name]
            del self._names[bisect_left(self._names, name)]
            return
        if name not in self._rules:
            insort(self._names, name)
        self._rules[name] = rules

    def _filter_chains(self) -> Iterator[Chain]:
        configuration, family = self.context.configuration, self.context.family
        services, external, node_ports, firewall = self._shared_in("filter")
        yield from static.filter_hooks()
        yield services
        yield external
        yield static.forward(configuration)
        yield node_ports
        yield firewall
        yield static.localnet_firewall(configuration, family)
        yield static.canary()

    def _nat_chains(self) -> Iterator[Chain]:
        yield from static.nat_hooks()
        yield from self._shared_in("nat")
        yield static.postrouting(self.context.configuration)
        yield static.mark_masq(self.context.configuration)
        yield static.canary()
        for name in self._names:
            yield from self._rules[name].chains

    def _shared_in(self, table: str) -> list[Chain]:
        return [
            self._shared(index) for index, chain in enumerate(SHARED_CHAINS) if chain.table == table
        ]

    def _shared(self, index: int) -> Chain:
        chain = SHARED_CHAINS[index]
        rules = [rule for name in self._names for rule in self._rules[name].shared[index]]
        if chain.rules_of is dispatch.nat_services:
            context = self.context
            rules += dispatch.to_node_ports(context.node, context.configuration, context.family)
        return Chain(chain.name, tuple(rules))


def _differences(old: Iterable[object], new: Iterable[object]) -> Iterator[int]:
    pairs = zip(old, new, strict=True)
    return (index for index, (before, after) in enumerate(pairs) if before != after)
