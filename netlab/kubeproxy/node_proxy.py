"""kube-proxy of one node, up to the rules that it would lay.

Theory of operation
-------------------
It reads the Services from a map that all nodes share, and is told which of them have changed. What
it keeps is kept by Service: rules, health checks, and ports that lack an endpoint here. A change
thus costs as much as the Services it touches, however many there are. One change alone touches all
of them: when the cluster becomes large, or ceases to be, the comments of endpoint rules in iptables
mode go or come.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from netlab.kube.kinds.service.view import ProxyNode
from netlab.kubeproxy.health import HealthCheck, health_check, health_check_addresses
from netlab.kubeproxy.iptables.chains import NodeContext
from netlab.kubeproxy.iptables.compile import Compilation, is_large
from netlab.kubeproxy.names import KUBE_PROXY
from netlab.kubeproxy.nftables.chains import NodeContext as TableContext
from netlab.kubeproxy.nftables.compile import TableCompilation
from netlab.kubeproxy.nftables.static import node_port_networks
from netlab.kubeproxy.service_map import Name, ServiceMap
from netlab.kubeproxy.service_ports import ProxiedPort, ports_of
from netlab.model.addresses import Family, Network
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.iptables.sync import change_text, sync_text
from netlab.netfilter.nftables.sync import partial_sync
from netlab.netfilter.nftables.table import Chain, Table
from netlab.netfilter.ruleset_change import HeldRules, NamespaceRules, RulesetChange


class NodeProxy(ABC):
    """What one node makes of all Services.

    Args:
        node: The node.
        configuration: What kube-proxy there was told.
        family: The address family.
        services: All Services; it is read, and never changed.
    """

    def __init__(
        self,
        node: ProxyNode,
        configuration: ProxyConfiguration,
        family: Family,
        services: ServiceMap,
    ) -> None:
        self.node = node
        self.configuration = configuration
        self.family = family
        self._services = services
        self._health_checks: dict[Name, HealthCheck] = {}
        self._lacking: dict[Name, Counter[str]] = {}

    @property
    def health_checks(self) -> list[HealthCheck]:
        """The health checks that the node answers."""
        return list(self._health_checks.values())

    @property
    def health_check_addresses(self) -> tuple[str, ...]:
        """The addresses at which it answers them: those that answer for NodePorts."""
        return health_check_addresses(self.node, self._node_port_networks(), self.family)

    @property
    def without_local_endpoints(self) -> Mapping[str, int]:
        """The ports that have endpoints, but under a Local policy none here, by policy."""
        policies = ("internal", "external")
        return {policy: sum(each[policy] for each in self._lacking.values()) for policy in policies}

    @abstractmethod
    def update(self, names: Iterable[Name]) -> RulesetChange:
        """Take these Services as they are now, and return what that changes.

        Args:
            names: Every Service that may be another than at the last call.
        """

    @abstractmethod
    def rules(self) -> NamespaceRules:
        """Return all rules."""

    def holds(self) -> HeldRules:
        """Return what is held when all changes were loaded."""
        rules = self.rules()
        return HeldRules(iptables=rules.iptables, nftables=rules.nftables)

    @abstractmethod
    def adopt(self, held: HeldRules) -> None:
        """Take note of what is held: all rules, and what may have been left behind."""

    def stale_chains_text(self) -> str:
        """Return the text for ``nft -f`` that deletes what was left behind, often nothing."""
        return ""

    @property
    def has_stale_chains(self) -> bool:
        """Whether anything was left behind."""
        return False

    @abstractmethod
    def _node_port_networks(self) -> tuple[Network, ...]:
        """Return where NodePorts answer; empty for all addresses."""

    def _ports(self, names: Iterable[Name]) -> dict[Name, list[ProxiedPort]]:
        """Return the ports of each Service, and keep what else is to be known of it."""
        return {name: self._ports_of(name) for name in names}

    def _ports_of(self, name: Name) -> list[ProxiedPort]:
        served = self._services.get(name)
        ports = ports_of(served, self.node, self.family)
        self._health_checks.pop(name, None)
        self._lacking.pop(name, None)
        if check := health_check(self.node, served, self.family):
            self._health_checks[name] = check
        if lacking := _lacking(ports):
            self._lacking[name] = Counter(lacking)
        return ports


class IptablesProxy(NodeProxy):
    """A node in iptables mode."""

    def __init__(
        self,
        node: ProxyNode,
        configuration: ProxyConfiguration,
        family: Family,
        services: ServiceMap,
    ) -> None:
        super().__init__(node, configuration, family, services)
        self._compilation = Compilation(
            NodeContext(
                node=node,
                configuration=configuration,
                family=family,
                is_large=is_large(services, family),
            )
        )
        self._compilation.update(self._ports(services.names()))

    def update(self, names: Iterable[Name]) -> RulesetChange:
        """Take these Services as they are now; see ``NodeProxy``."""
        changed, old = self._ports(names), self._compilation
        large = is_large(self._services, self.family)
        if large == old.context.is_large:
            return RulesetChange(iptables=change_text(old.update(changed)))
        self._compilation = Compilation(replace(old.context, is_large=large))
        self._compilation.update(self._ports(self._services.names()))
        return RulesetChange(
            iptables=sync_text(self._compilation.ruleset(), old.ruleset(), KUBE_PROXY)
        )

    def ruleset(self) -> Ruleset:
        """Return kube-proxy's rules, as ``compile_ruleset`` does."""
        return self._compilation.ruleset()

    def rules(self) -> NamespaceRules:
        """Return all rules; see ``NodeProxy``."""
        return NamespaceRules(iptables=self.ruleset())

    def adopt(self, held: HeldRules) -> None:
        """Take note of nothing: in iptables mode, what goes is deleted at once."""

    def _node_port_networks(self) -> tuple[Network, ...]:
        return self.configuration.node_port_networks(self.family)


class NftablesProxy(NodeProxy):
    """A node in nftables mode.

    Chains that go are emptied, and wait until the next change deletes them, or
    ``stale_chains_text``; see ``netlab.netfilter.nftables.sync``.
    """

    def __init__(
        self,
        node: ProxyNode,
        configuration: ProxyConfiguration,
        family: Family,
        services: ServiceMap,
        service_cidrs: Sequence[Network] = (),
    ) -> None:
        super().__init__(node, configuration, family, services)
        context = TableContext(node=node, configuration=configuration, family=family)
        self._compilation = TableCompilation(context, service_cidrs)
        self._compilation.update(self._ports(services.names()))
        self._waiting: tuple[Chain, ...] = ()

    def update(self, names: Iterable[Name]) -> RulesetChange:
        """Take these Services as they are now; see ``NodeProxy``."""
        before, after = self._compilation.update(self._ports(names))
        # What waits is no reason to write anything.
        return RulesetChange(tables="" if before == after else self._sync(after, before))

    def table(self) -> Table:
        """Return kube-proxy's table, as ``compile_table`` does."""
        return self._compilation.table()

    def rules(self) -> NamespaceRules:
        """Return all rules; see ``NodeProxy``."""
        return NamespaceRules(iptables=Ruleset(self.family, ()), nftables=self.table())

    def holds(self) -> HeldRules:
        """Return what is held; see ``NodeProxy``."""
        table = self.table()
        held = replace(table, chains=(*table.chains, *self._waiting))
        return HeldRules(iptables=Ruleset(self.family, ()), nftables=held)

    def adopt(self, held: HeldRules) -> None:
        """Take note of what is held; see ``NodeProxy``."""
        known = {chain.name for chain in self.table().chains}
        chains = held.nftables.chains if held.nftables is not None else ()
        self._waiting = tuple(chain for chain in chains if chain.name not in known)

    def stale_chains_text(self) -> str:
        """Return the text that deletes what waits for it."""
        nothing = Table(family=self.family)
        return self._sync(nothing, nothing)

    @property
    def has_stale_chains(self) -> bool:
        """Whether chains wait to be deleted."""
        return bool(self._waiting)

    def _node_port_networks(self) -> tuple[Network, ...]:
        return node_port_networks(self.node, self.configuration, self.family)

    def _sync(self, want: Table, have: Table) -> str:
        change = partial_sync(want, replace(have, chains=(*have.chains, *self._waiting)))
        self._waiting = change.holds.chains[len(want.chains) :]
        return change.text


def _lacking(ports: Iterable[ProxiedPort]) -> list[str]:
    """Return the policies of ports that have endpoints, but under a Local policy none here."""
    lacking = [port for port in ports if port.has_endpoints and not port.backends.local]
    return [
        *["internal" for port in lacking if port.internal_is_local],
        *["external" for port in lacking if port.external_is_local and port.is_external],
    ]
