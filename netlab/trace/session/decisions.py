"""What decides connections of a running lab, by walking the rules that its kernels hold now."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from netlab.errors import SpecError
from netlab.linux.interface_addresses import read_addresses
from netlab.linux.netns import inside
from netlab.model.addresses import Family, family_of
from netlab.model.hosts import Host, HostKind
from netlab.model.packets import AddressPair, AddrPort
from netlab.netfilter.nftables.table import TABLE
from netlab.netfilter.verdicts import ANY_SOURCE_PORT
from netlab.sources.routes import AskRoute
from netlab.trace.decision import Decision, decision_of
from netlab.trace.host_rules import SERVICES, HostRules, ListedRules
from netlab.trace.predict_path import LabContext, predict_path
from netlab.trace.session.path_prediction import known_rules, list_rules
from netlab.trace.session.routes import Routes

MOST_ENDPOINTS: Final = 4
"""Of a Service on a node. Of more, the way to the first is followed: each is a walk of its own."""


class Decisions:
    """The rules, addresses and routes of a lab.

    Those of an address family are as they were when a call of it was first asked about. A context
    manager: it asks the kernels for routes while it is open.

    Args:
        hosts: Of the lab.
        read: Gives the texts of a host's rules of one family.
    """

    def __init__(
        self, hosts: Sequence[Host], read: Callable[[Host, Family], ListedRules] = list_rules
    ) -> None:
        self._hosts = hosts
        self._read = read
        self._stack = ExitStack()
        self._families: dict[Family, _OfFamily] = {}
        self._nodes = {a: h.node or h.name for h in hosts for a in h.addresses}
        self._between = {h.name for h in hosts if h.kind in {HostKind.ROUTER, HostKind.LB}}
        """Hosts that replies to the world outside pass anyway."""
        self.remarks: list[str] = []
        """What could not be predicted, and why; each sentence once."""

    def __enter__(self) -> Self:
        self._ask = Routes(self._hosts, self._stack).ask
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
            target: Whom it calls.
            protocol: ``tcp`` or ``udp``.
        """
        family = family_of(target.address)
        source = caller.address(family)
        if source is None:
            self._remark(f"{caller.name} has no {family} address")
            return None
        if family not in self._families:
            self._families[family] = _OfFamily(self._hosts, family, self._read, self._ask)
        known = self._families[family]
        pair = AddressPair(AddrPort(source, ANY_SOURCE_PORT), target)
        try:
            ways = predict_path(known.context, caller.name, pair, protocol)
        except SpecError as error:
            self._remark(str(error))
            return None
        visited = {visit.host for way in ways for visit in way.visits}
        for host in visited & known.unknown.keys():
            self._remark(known.unknown[host])
        found = decision_of(ways)
        if found is None or visited & known.unknown.keys():
            return None
        return found.with_bypass({caller.name, caller.node or ""} | self._between, self._nodes)

    def _remark(self, sentence: str) -> None:
        if sentence not in self.remarks:
            self.remarks.append(sentence)


class _OfFamily:
    """What the kernels of a lab hold for packets of one address family."""

    def __init__(
        self,
        hosts: Sequence[Host],
        family: Family,
        read: Callable[[Host, Family], ListedRules],
        ask: AskRoute,
    ) -> None:
        self.unknown: dict[str, str] = {}
        """Why nothing can be predicted at a host."""
        version = 4 if family is Family.IPV4 else 6
        self.context = LabContext(
            hosts={host.name: host for host in hosts},
            addresses={host.name: read_addresses(host.netns, inside, version) for host in hosts},
            rules=self._rules(hosts, family, lambda host: read(host, family)),
            ask=ask,
            most_ways=MOST_ENDPOINTS,
        )

    def _rules(
        self, hosts: Sequence[Host], family: Family, read: Callable[[Host], ListedRules]
    ) -> dict[str, HostRules]:
        """Return the rules of every host but pods and clients, where a lab lays none."""
        with_rules = tuple(h for h in hosts if h.kind not in {HostKind.POD, HostKind.CLIENT})
        known = known_rules(with_rules, family, read)
        self.unknown = dict(known.unknown)
        found = {}
        for host in with_rules:
            rules = known.rules.get(host.name)
            if rules is None:
                continue
            found[host.name] = rules
            if host.kind is HostKind.NODE and not rules.has_kube_proxy():
                self.unknown[host.name] = (
                    f"{host.name} has neither chain {SERVICES} of iptables"
                    f" nor table {TABLE} of nftables"
                )
        return found
