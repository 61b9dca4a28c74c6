"""The addresses that a lab's API server answers at, and its certificates for them."""

from netlab.apiserver import pki
from netlab.apiserver.pki import Pki
from netlab.model import rundir
from netlab.model.addresses import Address, router_address
from netlab.model.topology import Topology


def api_addresses(topology: Topology) -> tuple[Address, ...]:
    """Return where the API answers in the lab's network, one a family."""
    return tuple(router_address(networks.nodes) for networks in topology.networks)


def certified_addresses(topology: Topology) -> tuple[Address, ...]:
    """Return the addresses that the server's certificate must have, besides those of loopback."""
    return (
        *api_addresses(topology),
        # Of the Service kubernetes.
        *(network[1] for network in topology.service_networks),
    )


def ensure_pki(lab: str, topology: Topology, now: float) -> Pki:
    """Make what is missing of a lab's certificates.

    Raises:
        OSError: A file cannot be written.
    """
    return pki.ensure(rundir.pki_directory(lab), certified_addresses(topology), lab, now)
