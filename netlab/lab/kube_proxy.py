"""kube-proxy of every node: keeps the kernel's rules equal to what Services and endpoints ask for.

Theory of operation
-------------------
When an object that rules come from has changed, the ruleset of each node is compiled anew and
compared with what that node was last given; the difference is one text for ``iptables-restore``.
A refused text leaves the node's rules as they were. It is reported, and next time the kernel is
read back first, since what it holds is no longer known.
"""

from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Any, Final

from netlab.cni.cloud import INTERNET0
from netlab.cni.masquerade import external_ip_ruleset, masquerade_ruleset
from netlab.control.store import Event, Store
from netlab.kernel.requests import Restore, SaveRules
from netlab.model.names import ROUTER, NetnsName, host_netns
from netlab.model.objects import labels_of, name_of
from netlab.model.packets import Family
from netlab.model.services import (
    EndpointSlice,
    ProxyNode,
    Service,
    endpoint_slice_of,
    service_of,
)
from netlab.model.topology import Topology, TopologyNode
from netlab.netfilter.normal import merge
from netlab.netfilter.parse import parse
from netlab.netfilter.rules import Ruleset
from netlab.netfilter.sync import sync_text
from netlab.proxy.configuration import ProxyConfiguration
from netlab.proxy.iptables import compile_ruleset

Call = Callable[[object], Awaitable[Any]]

_INPUTS: Final = {"services", "endpointslices", "nodes"}
_ZONE: Final = "topology.kubernetes.io/zone"
_NOTHING: Final = Ruleset(Family.IPV4, ())
RETRY_S: Final = 1.0


class KubeProxy:
    """The rules of all nodes, and the router's.

    Args:
        lab: Name.
        store: Where Services and EndpointSlices are.
        call: Sends a request to the launcher.
    """

    def __init__(self, lab: str, store: Store, call: Call) -> None:
        self._lab = lab
        self._store = store
        self._call = call
        self._loaded: dict[NetnsName, Ruleset] = {}
        self._is_due = True
        self._topology: Topology | None = None
        self.refusals: dict[NetnsName, str] = {}
        """Why the last restore failed, for each namespace whose last restore did."""
        store.subscribe(self._told)

    def forget(self, names: set[NetnsName]) -> None:
        """Have the rules of these namespaces read back before they are next compared."""
        for name in names:
            self._loaded.pop(name, None)
        self._is_due = True

    def start_empty(self, names: set[NetnsName]) -> None:
        """Take note of namespaces that were just made and hold no rule."""
        self._loaded.update(dict.fromkeys(names, _NOTHING))
        self._is_due = True

    async def sync(self, topology: Topology) -> int:
        """Bring the rules of every namespace up to date.

        Returns:
            How many namespaces were given new rules.

        Raises:
            NetlabError: iptables is missing.
        """
        if not (self._is_due or self.refusals or topology is not self._topology):
            return 0
        self._is_due, self._topology = False, topology
        want = wanted_rules(self._lab, topology, self._store)
        await self._read(sorted(want.keys() - self._loaded.keys()))
        texts = {name: sync_text(want[name], self._loaded[name]) for name in want}
        texts = {name: text for name, text in texts.items() if text}
        self.refusals = await self._call(Restore(texts=texts)) if texts else {}
        for name in texts:
            if name in self.refusals:
                del self._loaded[name]
            else:
                self._loaded[name] = want[name]
        return len(texts) - len(self.refusals)

    def _told(self, event: Event) -> None:
        if event.key.resource in _INPUTS:
            self._is_due = True

    async def _read(self, names: list[NetnsName]) -> None:
        if names:
            texts = await self._call(SaveRules(netns=tuple(names)))
            for name, text in texts.items():
                self._loaded[name] = parse(text, Family.IPV4)


def wanted_rules(lab: str, topology: Topology, store: Store) -> dict[NetnsName, Ruleset]:
    """Return the rules that each namespace must hold: the router's, and every node's."""
    services = [service_of(obj) for obj in store.list_("services")]
    slices = [endpoint_slice_of(obj) for obj in store.list_("endpointslices")]
    zones = {name_of(obj): labels_of(obj).get(_ZONE, "") for obj in store.list_("nodes")}
    want = {host_netns(lab, ROUTER): _router(topology)}
    for node in topology.nodes:
        zone = zones.get(node.name, "")
        want[host_netns(lab, node.name)] = _node(topology, node, zone, services, slices)
    return want


def _router(topology: Topology) -> Ruleset:
    pairs = [(node.external_ip, node.address) for node in topology.nodes]
    return external_ip_ruleset(pairs, INTERNET0)


def _node(
    topology: Topology,
    node: TopologyNode,
    zone: str,
    services: list[Service],
    slices: list[EndpointSlice],
) -> Ruleset:
    networks = topology.networks
    view = ProxyNode(
        name=node.name,
        addresses=(node.address, node.pod_cidr[1]),
        pod_cidrs=(node.pod_cidr,),
        zone=zone,
    )
    configuration = ProxyConfiguration(cluster_cidrs=(ip_network(networks.pods),))
    rules = compile_ruleset(view, services, slices, configuration, Family.IPV4)
    masquerade = masquerade_ruleset((networks.pods, networks.nodes, networks.services))
    return merge(rules, masquerade)
