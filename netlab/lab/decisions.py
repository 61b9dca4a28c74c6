"""What decides connections of a running lab, by walking the rules that its kernels hold now."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from netlab.errors import SpecError
from netlab.kernel.netns import inside
from netlab.lab.trace.path_prediction import known_rules, list_rules
from netlab.lab.trace.routes import Routes
from netlab.model.addresses import Family
from netlab.model.hosts import Host, HostKind
from netlab.netfilter.verdicts import ANY_SOURCE_PORT
from netlab.observe.addresses import read_addresses
from netlab.path.decision import Decision, Endpoints, decision_of
from netlab.path.host_rules import SERVICES, HostRules, ListedRules
from netlab.path.observations import AddressPair, AddrPort
from netlab.path.predict_path import Surroundings, predict_path
from netlab.proxy.nftables.table import TABLE

MOST_ENDPOINTS: Final = 4
"""Of a Service on a node. Of more, the way to the first is followed: each is a walk of its own."""


class Decisions:
    """The rules, addresses and routes of a lab, as they were when this was made.

    A context manager: it asks the kernels for routes while it is open.

    Args:
        hosts: Of the lab.
        read: Gives the texts of a host's rules.
    """

    def __init__(
        self, hosts: Sequence[Host], read: Callable[[Host], ListedRules] = list_rules
    ) -> None:
        self._hosts = hosts
        self._read = read
        self._unknown: dict[str, str] = {}
        """Why nothing can be predicted at a host."""
        self._stack = ExitStack()
        self._nodes = {a: h.node or h.name for h in hosts for a in h.addresses}
        self._between = {h.name for h in hosts if h.kind in {HostKind.ROUTER, HostKind.LB}}
        """Hosts that replies to the world outside pass anyway."""
        self._endpoints: dict[tuple[str, str], Endpoints] = {}
        """What a host's chain leads to, of those that were made small for the walk."""
        self.remarks: list[str] = []
        """What could not be predicted, and why; each sentence once."""

    def __enter__(self) -> Self:
        hosts = {host.name: host for host in self._hosts}
        self._around = Surroundings(
            hosts=hosts,
            addresses={name: read_addresses(host.netns, inside) for name, host in hosts.items()},
            rules=self._rules(),
            ask=Routes(self._hosts, self._stack).ask,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def decide(self, caller: Host, target: AddrPort, protocol: str) -> Decision | None:
        """Return what decides a call, or None when nobody can tell.

        Args:
            caller: Whose socket sends the first packet.
            target: Whom it calls; of IPv4.
            protocol: ``tcp`` or ``udp``.
        """
        source = next((a for a in caller.addresses if a.version == target.address.version), None)
        if source is None or source.version != 4:
            self._remark("rules of IPv6 are not walked")
            return None
        pair = AddressPair(AddrPort(source, ANY_SOURCE_PORT), target)
        try:
            ways = predict_path(self._around, caller.name, pair, protocol)
        except SpecError as error:
            self._remark(str(error))
            return None
        visited = {visit.host for way in ways for visit in way.visits}
        for host in visited & self._unknown.keys():
            self._remark(self._unknown[host])
        found = decision_of(ways)
        if found is None or visited & self._unknown.keys():
            return None
        whole = self._whole(found)
        return whole.astray({caller.name, caller.node or ""} | self._between, self._nodes)

    def _whole(self, found: Decision) -> Decision:
        """Return a decision with every endpoint of its chain, if one stood for all."""
        endpoints = self._endpoints.get((found.host, found.chains[0] if found.chains else ""))
        return found if endpoints is None else found.among(endpoints)

    def _rules(self) -> dict[str, HostRules]:
        """Return the rules of every host but pods and clients, where a lab lays none."""
        laid = tuple(h for h in self._hosts if h.kind not in {HostKind.POD, HostKind.CLIENT})
        known = known_rules(laid, Family.IPV4, self._read)
        self._unknown = dict(known.unknown)
        found = {}
        for host in laid:
            rules = known.rules.get(host.name)
            if rules is None:
                continue
            found[host.name], endpoints = rules.thinned(MOST_ENDPOINTS)
            for chain, ends in endpoints.items():
                self._endpoints[host.name, chain] = ends
            if host.kind is HostKind.NODE and not rules.has_kube_proxy():
                self._unknown[host.name] = (
                    f"{host.name} has neither chain {SERVICES} of iptables"
                    f" nor table {TABLE} of nftables"
                )
        return found

    def _remark(self, sentence: str) -> None:
        if sentence not in self.remarks:
            self.remarks.append(sentence)
