"""Where a pod lies in the network."""

from dataclasses import dataclass

from netlab.model.topology import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlacement:
    """A pod that has a node and an address, and so needs a network namespace."""

    namespace: str
    name: str
    node: str
    address: Address
