"""Where a pod lies in the network."""

from dataclasses import dataclass

from netlab.model.addresses import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlacement:
    """A pod that has a node and addresses, and so needs a network namespace."""

    namespace: str
    name: str
    node: str
    addresses: tuple[Address, ...]
    """One of each family of the lab, in the order of its networks."""
