"""Addresses of LoadBalancer Services, as the load balancer's host holds them."""

from dataclasses import dataclass

from netlab.model.addresses import Address
from netlab.model.links import NextHop


@dataclass(frozen=True, slots=True, kw_only=True)
class Vip:
    """One address of a LoadBalancer Service."""

    address: Address
    nexthops: tuple[NextHop, ...] = ()
    """Where packets for it are forwarded to, as they are; none when no node is fit for them."""
    is_local: bool = False
    """Whether connections end here, at a proxy."""
