"""What kube-proxy of one node answers on each of its ports, by port and path.

====================  ==========================================================
``:10256``            ``/healthz``, ``/livez``: do the rules follow the objects?
``127.0.0.1:10249``   ``/proxyMode``, ``/metrics``, ``/healthz``, ``/configz``
health check ports    any path: has this node a ready endpoint for the Service?
====================  ==========================================================

Port 10256 is open on all addresses of every family of the lab; port 10249 on the loopback address
of the main family, with what is to be said of each. A health check port is open where NodePorts
are (``nodePortAddresses``), and speaks of the endpoints in the family that it is asked in.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from netlab.apiserver.store import Store
from netlab.kube.objects import Key
from netlab.kubeproxy.configz import configz_values
from netlab.kubeproxy.health import (
    EVERYWHERE,
    Answer,
    health_check_answer,
    is_eligible,
    proxy_health_answer,
)
from netlab.kubeproxy.metrics import HealthMetrics
from netlab.kubeproxy.proxier import KubeProxy
from netlab.model.addresses import Family, family_of
from netlab.model.names import NetnsFamily, NetnsName

PROXY_PORT: Final = 10249
HEALTH_PORT: Final = 10256
_LOOPBACK: Final = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}
_PLAIN: Final = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
_NOT_FOUND: Final = Answer(status=404, headers=_PLAIN, body="404 page not found\n")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Door:
    """A port of a node."""

    netns: NetnsName
    address: str
    port: int

    @property
    def place(self) -> NetnsFamily:
        """The namespace, in the family of the address."""
        return NetnsFamily(self.netns, family_of(ip_address(self.address)))


class ProxyDoors:
    """The ports of all nodes, and what they answer at this moment.

    Args:
        kube_proxy: Of all nodes.
        store: Where Node objects are.
        clock: Wall clock seconds.
    """

    def __init__(self, kube_proxy: KubeProxy, store: Store, clock: Callable[[], float]) -> None:
        self._kube_proxy = kube_proxy
        self._store = store
        self._clock = clock
        self._asked: defaultdict[NetnsName, HealthMetrics] = defaultdict(HealthMetrics)

    def doors(self) -> set[Door]:
        """Return every port that is to be open now."""
        found = set()
        for place, node in self._kube_proxy.nodes.items():
            netns, everywhere = place.netns, EVERYWHERE[place.family]
            found.add(Door(netns=netns, address=everywhere, port=HEALTH_PORT))
            for check in node.health_checks:
                for address in node.health_check_addresses:
                    found.add(Door(netns=netns, address=address, port=check.port))
        for netns, family in self._main_families().items():
            found.add(Door(netns=netns, address=_LOOPBACK[family], port=PROXY_PORT))
        return found

    def answer(self, door: Door, path: str) -> Answer:
        """Return what a port answers to a path."""
        paths = self._paths(door)
        if paths is None:
            return self._health_check(door)
        found = paths.get(path)
        return found() if found is not None else _NOT_FOUND

    def _main_families(self) -> dict[NetnsName, Family]:
        """Return the main family of each node, which is the first in which it has rules."""
        families: dict[NetnsName, Family] = {}
        for place in self._kube_proxy.nodes:
            families.setdefault(place.netns, place.family)
        return families

    def _paths(self, door: Door) -> dict[str, Callable[[], Answer]] | None:
        """Return what answers each path of a port of kube-proxy's own; None for other ports."""
        if door.port == PROXY_PORT:
            return {
                "/proxyMode": lambda: Answer(headers=_PLAIN, body=self._kube_proxy.mode),
                "/healthz": lambda: Answer(headers=_PLAIN, body="ok"),
                "/metrics": lambda: self._metrics(door),
                "/configz": lambda: self._configz(door),
            }
        if door.port == HEALTH_PORT:
            return {"/healthz": lambda: self._healthz(door), "/livez": lambda: self._livez(door)}
        return None

    def _configz(self, door: Door) -> Answer:
        configuration = self._kube_proxy.nodes[door.place].configuration
        shown = configz_values(configuration, self._kube_proxy.mode)
        return Answer(headers={"Content-Type": "application/json"}, body=json.dumps(shown))

    def _healthz(self, door: Door) -> Answer:
        node = Key("nodes", "", self._kube_proxy.nodes[door.place].node.name)
        answer = self._health(door, eligible=is_eligible(self._store.get(node)))
        self._asked[door.netns].healthz[answer.status] += 1
        return answer

    def _livez(self, door: Door) -> Answer:
        answer = self._health(door, eligible=None)
        self._asked[door.netns].livez[answer.status] += 1
        return answer

    def _health(self, door: Door, *, eligible: bool | None) -> Answer:
        health = {place.family: self._kube_proxy.health(place) for place in self._places(door)}
        return proxy_health_answer(health, now=self._clock(), stamp=_stamp, eligible=eligible)

    def _health_check(self, door: Door) -> Answer:
        is_healthy = self._kube_proxy.health(door.place).is_healthy(self._clock())
        for check in self._kube_proxy.nodes[door.place].health_checks:
            if check.port == door.port:
                return health_check_answer(check, proxy_is_healthy=is_healthy)
        return _NOT_FOUND

    def _metrics(self, door: Door) -> Answer:
        # Loaded when somebody asks: few labs are ever asked.
        from netlab.kubeproxy.metric_families import (  # noqa: PLC0415
            CONTENT_TYPE,
            FamilyMetrics,
            NodeMetrics,
        )

        proxy = self._kube_proxy
        families = [
            FamilyMetrics(
                metrics=proxy.metrics[place],
                rules_held=proxy.rules_held(place),
                without_local_endpoints=proxy.nodes[place].without_local_endpoints,
            )
            for place in self._places(door)
        ]
        text = NodeMetrics(proxy.mode, families, self._asked[door.netns]).text()
        return Answer(headers={"Content-Type": CONTENT_TYPE}, body=text)

    def _places(self, door: Door) -> list[NetnsFamily]:
        return [place for place in self._kube_proxy.nodes if place.netns == door.netns]


def _stamp(seconds: float) -> str:
    """Return wall clock seconds as RFC 3339, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
