"""The kinds of CNI, in one table."""

from collections.abc import Mapping
from typing import Final, Protocol

from netlab.cni import bridge, ptp
from netlab.cni.attachment import Attachment
from netlab.model.links import Link
from netlab.model.pods import PodPlacement
from netlab.model.topology import Cni, Topology, TopologyNode


class CniKind(Protocol):
    """How pods are wired to their node."""

    def node_links(self, lab: str, topology: Topology, node: TopologyNode) -> tuple[Link, ...]:
        """Return the links a node needs before it has any pod."""

    def attach(
        self, lab: str, topology: Topology, node: TopologyNode, pod: PodPlacement
    ) -> Attachment:
        """Return the wire between ``pod`` and its node."""


KINDS: Final[Mapping[Cni, CniKind]] = {Cni.PTP: ptp, Cni.BRIDGE: bridge}
