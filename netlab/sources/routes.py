"""Routing questions and their answers, as values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from netlab.model.addresses import Address


class RouteQuestion(NamedTuple):
    """Where does a host send such a packet?"""

    host: str
    destination: Address
    source: Address | None = None
    """Given for a packet that came in; a local one has its source from the route itself."""
    ifname_in: str = ""
    mark: int = 0
    protocol: str = ""
    """``TCP`` or ``UDP``, with the ports: a route with several ways is chosen by them."""
    source_port: int = 0
    destination_port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAnswer:
    """What the kernel said."""

    route: str = ""
    """The matching prefix, ``default``, or ``local`` for the host's own addresses."""
    via: str = ""
    ifname: str = ""
    table: int = 0
    error: str = ""
    """Why there is no way."""


AskRoute = Callable[[RouteQuestion], RouteAnswer]
