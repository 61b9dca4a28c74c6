"""What ``up`` would do, as the commands a person would type; nothing is changed, no root needed."""

import random  # noqa: TID251 (the edge: uids of objects that are thrown away)
import time
from collections.abc import Iterator
from typing import Final

from netlab.apiserver.bootstrap import bootstrap
from netlab.apiserver.registry.admission import review_create
from netlab.apiserver.store import Store
from netlab.client.apply import placed
from netlab.control_plane.addons import store_addons
from netlab.control_plane.api_certificates import api_addresses
from netlab.control_plane.desired_rules import desired_rules
from netlab.controllers.reconcile import Reconciler
from netlab.kube.kinds.pod import status
from netlab.kubelet.container_spec import placement_of
from netlab.kubelet.node_status import store_nodes
from netlab.model.addresses import Family
from netlab.model.topology import TopologyFile
from netlab.netfilter.iptables.render import render
from netlab.netfilter.nftables.render import render as render_table
from netlab.plan.build import build_lab
from netlab.plan.diff import diff

_END: Final = "NETLAB"
_RESTORE: Final = {Family.IPV4: "iptables-restore", Family.IPV6: "ip6tables-restore"}


def commands(lab: str, file: TopologyFile) -> Iterator[str]:
    """Yield the commands that build ``lab`` from nothing, one or a here-document at a time.

    Pods are taken as running, so the rules are those of a lab at rest. What is chosen at random
    (names of a ReplicaSet's pods, ClusterIPs, NodePorts) is the same on every run, and other than
    what ``up`` will choose.

    Raises:
        SpecError: An object is refused.
    """
    now = time.time()  # noqa: TID251 (the edge)
    store = Store(None, clock=lambda: now, random=random.Random(0))  # noqa: S311 (names only)
    bootstrap(store, file.topology.service_networks, api_addresses(file.topology))
    store_addons(store, file.topology)
    store_nodes(store, file.topology, now)
    for manifest in file.manifests:
        store.create(review_create(store, placed(manifest)))
    reconciler = Reconciler(store)
    reconciler.settle(now)
    for pod in store.list_("pods"):
        if placement_of(pod):
            store.update(status.containers_started(pod, now))
    reconciler.settle(now)
    placements = filter(None, map(placement_of, store.list_("pods")))
    yield from map(str, diff({}, build_lab(lab, file.topology, placements)))
    for key, rules in desired_rules(lab, file.topology, store).items():
        inside = f"ip netns exec {key.netns}"
        restore = _RESTORE[key.family]
        yield _fed(f"{inside} {restore} --noflush", render(rules.iptables))
        if rules.nftables is not None:
            yield _fed(f"{inside} nft -f -", render_table(rules.nftables))


def _fed(command: str, text: str) -> str:
    return f"{command} <<'{_END}'\n{text}{_END}"
