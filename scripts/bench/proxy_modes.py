"""kube-proxy of one node in each mode, by netlab's own code: from objects to the kernel's tools."""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Protocol

from cluster_objects import Object

from netlab.kube.kinds.service.view import ProxyNode, endpoint_slice_of, service_of
from netlab.kubeproxy.names import KUBE_PROXY
from netlab.kubeproxy.node_proxy import IptablesProxy, NftablesProxy, NodeProxy
from netlab.kubeproxy.service_map import Name, ServiceMap
from netlab.linux import iptables, nft
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.model.names import NetnsFamily, NetnsName
from netlab.netfilter.iptables.rules import Chain
from netlab.netfilter.iptables.sync import TableChange, change_text

NODE = ProxyNode(name="node1", addresses=())
CONFIGURATION = ProxyConfiguration(cluster_cidrs=(ip_network("10.244.0.0/14"),))
FAMILY = Family.IPV4


class Mode(Protocol):
    """kube-proxy of one node."""

    proxy: NodeProxy

    def compile(self) -> None:
        """Compile everything."""

    def change(self, piece: Object) -> str:
        """Take an EndpointSlice as it is now, and return the text that follows it."""

    def kube_proxys_text(self, text: str) -> str:
        """Return what kube-proxy would write where netlab writes ``text``."""

    def load(self, netns: str, text: str) -> None:
        """Give a text to the kernel, as a lab does."""


class Iptables:
    """Mode iptables."""

    def __init__(self, services: Iterable[Object], slices: Iterable[Object]) -> None:
        self._map = ServiceMap.of(map(service_of, services), map(endpoint_slice_of, slices))
        self._map.take_changes()

    def compile(self) -> None:
        self.proxy = IptablesProxy(NODE, CONFIGURATION, FAMILY, self._map)

    def change(self, piece: Object) -> str:
        _follow(self._map, piece)
        return self.proxy.update(self._map.take_changes()).iptables

    def kube_proxys_text(self, text: str) -> str:
        """Return a partial sync of kube-proxy's: it writes all shared chains each time."""
        deleted = tuple(line[3:] for line in text.splitlines() if line.startswith("-X "))
        written = {line[1:].split()[0] for line in text.splitlines() if line.startswith(":")}

        def is_written(chain: Chain) -> bool:
            is_shared = chain.policy is None and not chain.name.startswith(KUBE_PROXY.object_chains)
            return is_shared or chain.name in written

        return change_text(
            TableChange(
                table=table.name,
                written=tuple(filter(is_written, table.chains)),
                deleted=deleted if table.name == "nat" else (),
            )
            for table in self.proxy.ruleset().tables
            if table.name != "mangle"
        )

    def load(self, netns: str, text: str) -> None:
        _loaded(iptables.restore({_place(netns): text}))


class Nftables:
    """Mode nftables."""

    def __init__(self, services: Iterable[Object], slices: Iterable[Object]) -> None:
        self._map = ServiceMap.of(map(service_of, services), map(endpoint_slice_of, slices))
        self._map.take_changes()

    def compile(self) -> None:
        self.proxy = NftablesProxy(NODE, CONFIGURATION, FAMILY, self._map)

    def change(self, piece: Object) -> str:
        _follow(self._map, piece)
        return self.proxy.update(self._map.take_changes()).tables

    def kube_proxys_text(self, text: str) -> str:
        """Return ``text``: of maps, kube-proxy too writes the elements that change."""
        return text

    def load(self, netns: str, text: str) -> None:
        _loaded(nft.load({_place(netns): text}))


MODES = {"iptables": Iptables, "nftables": Nftables}


def _follow(services: ServiceMap, piece: Object) -> None:
    view = endpoint_slice_of(piece)
    services.set_slice(Name(view.namespace, view.name), view)


def _place(netns: str) -> NetnsFamily:
    return NetnsFamily(NetnsName(netns), Family.IPV4)


def _loaded(refusals: dict[NetnsFamily, str]) -> None:
    for reason in refusals.values():
        raise RuntimeError(reason)
