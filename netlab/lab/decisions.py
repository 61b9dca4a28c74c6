"""What decides connections of a running lab, by walking the rules that its kernels hold now."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from netlab.errors import HostError, SpecError
from netlab.kernel import iptables
from netlab.kernel.netns import inside
from netlab.lab.routes import Routes
from netlab.model.hosts import Host, HostKind
from netlab.model.packets import Family
from netlab.netfilter.parse import parse
from netlab.netfilter.rules import Ruleset
from netlab.netfilter.thinning import thin
from netlab.netfilter.verdicts import ANY_SOURCE_PORT
from netlab.observe.addresses import read_addresses
from netlab.path.decision import Decision, Endpoints, decision_of
from netlab.path.observations import AddressPair, AddrPort
from netlab.path.predict_path import Surroundings, predict_path

MOST_ENDPOINTS: Final = 4
"""Of a Service on a node. Of more, the way to the first is followed: each is a walk of its own."""


SERVICES: Final = "KUBE-SERVICES"
"""kube-proxy's first chain. A node without it has its Services' rules elsewhere."""


def read_iptables(host: Host) -> str:
    """Return what ``iptables-save`` prints in a host.

    Raises:
        HostError: iptables is not installed, or its listing failed.
    """
    return iptables.save([host.netns])[host.netns]


class Decisions:
    """The rules, addresses and routes of a lab, as they were when this was made.

    A context manager: it asks the kernels for routes while it is open.

    Args:
        hosts: Of the lab.
        read: Gives the text of a host's rules.
    """

    def __init__(self, hosts: Sequence[Host], read: Callable[[Host], str] = read_iptables) -> None:
        self._hosts = hosts
        self._read = read
        self._unread: dict[str, str] = {}
        """Why a host's rules are not known."""
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
            rulesets=self._rulesets(),
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
        for host in visited & self._unread.keys():
            self._remark(self._unread[host])
        found = decision_of(ways)
        if found is None or visited & self._unread.keys():
            return None
        whole = self._whole(found)
        return whole.astray({caller.name, caller.node or ""} | self._between, self._nodes)

    def _whole(self, found: Decision) -> Decision:
        """Return a decision with every endpoint of its chain, if one stood for all."""
        endpoints = self._endpoints.get((found.host, found.chains[0] if found.chains else ""))
        return found if endpoints is None else found.among(endpoints)

    def _rulesets(self) -> dict[str, Ruleset]:
        """Return the rules of every host but pods and clients, where a lab lays none."""
        found = {}
        for host in self._hosts:
            if host.kind not in {HostKind.POD, HostKind.CLIENT}:
                try:
                    ruleset = parse(self._read(host), Family.IPV4)
                except (HostError, SpecError) as error:
                    self._unread[host.name] = f"the rules of {host.name} cannot be read: {error}"
                    continue
                found[host.name] = self._thinned(host.name, ruleset)
                nat = ruleset.table("nat")
                if host.kind is HostKind.NODE and (nat is None or nat.chain(SERVICES) is None):
                    self._unread[host.name] = f"{host.name} has no chain {SERVICES} of iptables"
        return found

    def _thinned(self, host: str, ruleset: Ruleset) -> Ruleset:
        thinned = thin(ruleset, MOST_ENDPOINTS)
        for chain, found in thinned.endpoints.items():
            self._endpoints[host, chain] = tuple(
                (AddrPort(to.address, to.port or 0), chance) for to, chance in found
            )
        return thinned.ruleset

    def _remark(self, sentence: str) -> None:
        if sentence not in self.remarks:
            self.remarks.append(sentence)
