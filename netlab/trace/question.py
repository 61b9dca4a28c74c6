"""What is asked of the packets of a connection, and what is known of the lab besides them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from netlab.client.cluster import ServicePort
from netlab.model.addresses import Address, Network
from netlab.model.hosts import Host, HostKind
from netlab.model.packets import AddressPair, AddrPort
from netlab.sources.drops import Counted
from netlab.sources.host_state import UNKNOWN, AskHost
from netlab.sources.routes import AskRoute, RouteAnswer
from netlab.trace.outcomes import Result as Heard

NOT_ASKED: Final = "not asked"


def _unknown(_: object) -> RouteAnswer:
    return RouteAnswer(error=NOT_ASKED)


AskRules = Callable[[str], tuple[str, ...]]
"""Returns what a host lacks of the rules that its control plane wants there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was tried, and what is known of the lab besides the packets."""

    lab: str
    caller: str
    scheme: str
    pair: AddressPair
    """The connection as the caller's socket names it."""
    heard: Heard
    """What the caller's socket heard."""
    hosts: Mapping[str, Host]
    ports: tuple[ServicePort, ...] = ()
    """Of the lab's Services, in the family of the connection."""
    pod_networks: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    """By node."""
    route_error: str = ""
    """Why the caller's own kernel has no way to the target; empty when it has one."""
    counted: Counted = field(default_factory=dict)
    """Counters of the hosts that rose."""
    ask: AskRoute = _unknown
    """Asks a host's routing."""
    state: AskHost = lambda _: UNKNOWN
    """Returns what a host holds besides rules and routes."""
    missing_rules: AskRules = lambda _: ()

    @property
    def version(self) -> int:
        """4 or 6, of the Internet Protocol."""
        return self.pair.destination.address.version

    @property
    def protocol(self) -> str:
        """``TCP``, ``UDP`` or ``ICMP``, as a ServicePort spells it."""
        return {"udp": "UDP", "icmp": "ICMP"}.get(self.scheme, "TCP")

    def netlab(self, verb: str) -> str:
        """Return the beginning of a command."""
        lab = "" if self.lab == "default" else f" --lab {self.lab}"
        return f"sudo netlab {verb}{lab}"

    def inside(self, host: str, command: str) -> str:
        """Return a command that is run in a host."""
        return f"{self.netlab('exec')} {host} -- {command}"

    def as_root(self, host: str, command: str) -> str:
        """Return a command that needs rights in a host's network that a pod's processes lack."""
        known = self.hosts.get(host)
        if known is None or known.kind is not HostKind.POD:
            return self.inside(host, command)
        return f"sudo ip netns exec {known.netns} {command}"

    def kind(self, host: str) -> HostKind | None:
        """Return what a host is; None where it is not known."""
        known = self.hosts.get(host)
        return known.kind if known else None

    def owner(self, address: Address) -> Host | None:
        """Return the host that has an address."""
        return next((host for host in self.hosts.values() if address in host.addresses), None)

    def services_at(self, address: Address) -> list[ServicePort]:
        """Return the ports of the Services with that ClusterIP."""
        return [port for port in self.ports if port.cluster_ip == address]

    def lacks(self, host: str, service: str) -> str:
        """Return a rule that a host lacks and a Service needs; empty where it lacks none.

        Args:
            host: A node.
            service: ``namespace/name``.
        """
        missing = self.missing_rules(host)
        of_all = [rule for rule in missing if "KUBE-NODEPORTS" in rule or "KUBE-SERVICES" in rule]
        own = [rule for rule in missing if f'"{service}' in rule or f"{service}/" in rule]
        return next(iter([*own, *of_all, *missing]), "")

    def port_at(self, end: AddrPort) -> ServicePort | None:
        """Return the Service port with that ClusterIP, or with that NodePort."""
        for port in self.ports:
            is_node_port = bool(end.port) and end.port == port.node_port
            is_cluster_ip = (port.cluster_ip, port.port) == end
            if port.protocol == self.protocol and (is_cluster_ip or is_node_port):
                return port
        return None

    def port_called(self, key: str) -> ServicePort | None:
        """Return a Service port by the name that kube-proxy gives it."""
        return next((port for port in self.ports if port.key == key), None)

    def node_of(self, address: Address) -> str:
        """Return the node whose pods have such addresses; empty when none has."""
        for node, networks in self.pod_networks.items():
            if any(address in network for network in networks):
                return node
        return ""
