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
class Listener:
    """A port of a node."""

    netns: NetnsName
    address: str
    port: int

    @property
    def key(self) -> NetnsFamily:
        """The namespace, in the family of the address."""
        return NetnsFamily(self.netns, family_of(ip_address(self.address)))


class ProxyServers:
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

    def listeners(self) -> set[Listener]:
        """Return every port that is to be open now."""
        found = set()
        for key, node in self._kube_proxy.nodes.items():
            netns, everywhere = key.netns, EVERYWHERE[key.family]
            found.add(Listener(netns=netns, address=everywhere, port=HEALTH_PORT))
            for check in node.health_checks:
                for address in node.health_check_addresses:
                    found.add(Listener(netns=netns, address=address, port=check.port))
        for netns, family in self._main_families().items():
            found.add(Listener(netns=netns, address=_LOOPBACK[family], port=PROXY_PORT))
        return found

    def answer(self, listener: Listener, path: str) -> Answer:
        """Return what a port answers to a path."""
        paths = self._paths(listener)
        if paths is None:
            return self._health_check(listener)
        found = paths.get(path)
        return found() if found is not None else _NOT_FOUND

    def _main_families(self) -> dict[NetnsName, Family]:
        """Return the main family of each node, which is the first in which it has rules."""
        families: dict[NetnsName, Family] = {}
        for key in self._kube_proxy.nodes:
            families.setdefault(key.netns, key.family)
        return families

    def _paths(self, listener: Listener) -> dict[str, Callable[[], Answer]] | None:
        """Return what answers each path of a port of kube-proxy's own; None for other ports."""
        if listener.port == PROXY_PORT:
            return {
                "/proxyMode": lambda: Answer(headers=_PLAIN, body=self._kube_proxy.mode),
                "/healthz": lambda: Answer(headers=_PLAIN, body="ok"),
                "/metrics": lambda: self._metrics(listener),
                "/configz": lambda: self._configz(listener),
            }
        if listener.port == HEALTH_PORT:
            return {
                "/healthz": lambda: self._healthz(listener),
                "/livez": lambda: self._livez(listener),
            }
        return None

    def _configz(self, listener: Listener) -> Answer:
        configuration = self._kube_proxy.nodes[listener.key].configuration
        shown = configz_values(configuration, self._kube_proxy.mode)
        return Answer(headers={"Content-Type": "application/json"}, body=json.dumps(shown))

    def _healthz(self, listener: Listener) -> Answer:
        node = Key("nodes", "", self._kube_proxy.nodes[listener.key].node.name)
        answer = self._health(listener, eligible=is_eligible(self._store.get(node)))
        self._asked[listener.netns].healthz[answer.status] += 1
        return answer

    def _livez(self, listener: Listener) -> Answer:
        answer = self._health(listener, eligible=None)
        self._asked[listener.netns].livez[answer.status] += 1
        return answer

    def _health(self, listener: Listener, *, eligible: bool | None) -> Answer:
        health = {key.family: self._kube_proxy.health(key) for key in self._keys(listener)}
        return proxy_health_answer(health, now=self._clock(), stamp=_stamp, eligible=eligible)

    def _health_check(self, listener: Listener) -> Answer:
        is_healthy = self._kube_proxy.health(listener.key).is_healthy(self._clock())
        for check in self._kube_proxy.nodes[listener.key].health_checks:
            if check.port == listener.port:
                return health_check_answer(check, proxy_is_healthy=is_healthy)
        return _NOT_FOUND

    def _metrics(self, listener: Listener) -> Answer:
        # Loaded when somebody asks: few labs are ever asked.
        from netlab.kubeproxy.metric_families import (  # noqa: PLC0415
            CONTENT_TYPE,
            FamilyMetrics,
            NodeMetrics,
        )

        proxy = self._kube_proxy
        families = [
            FamilyMetrics(
                metrics=proxy.metrics[key],
                rules_held=proxy.rules_held(key),
                without_local_endpoints=proxy.nodes[key].without_local_endpoints,
            )
            for key in self._keys(listener)
        ]
        text = NodeMetrics(proxy.mode, families, self._asked[listener.netns]).text()
        return Answer(headers={"Content-Type": CONTENT_TYPE}, body=text)

    def _keys(self, listener: Listener) -> list[NetnsFamily]:
        return [key for key in self._kube_proxy.nodes if key.netns == listener.netns]


def _stamp(seconds: float) -> str:
    """Return wall clock seconds as RFC 3339, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
