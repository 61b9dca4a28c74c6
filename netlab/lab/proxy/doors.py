"""What kube-proxy of one node answers on each of its ports, by port and path.

====================  ==========================================================
``0.0.0.0:10256``     ``/healthz``, ``/livez``: do the rules follow the objects?
``127.0.0.1:10249``   ``/proxyMode``, ``/metrics``, ``/healthz``, ``/configz``
health check ports    any path: has this node a ready endpoint for the Service?
====================  ==========================================================
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from netlab.control.store import Store
from netlab.lab.proxy.kube_proxy import KubeProxy
from netlab.model.names import NetnsName
from netlab.model.objects import Key
from netlab.proxy.configz import configz_values
from netlab.proxy.health import Answer, health_check_answer, is_eligible, proxy_health_answer
from netlab.render.prometheus import CONTENT_TYPE, render_metrics

PROXY_PORT: Final = 10249
HEALTH_PORT: Final = 10256
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 (of a namespace)
_PLAIN: Final = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
_NOT_FOUND: Final = Answer(status=404, headers=_PLAIN, body="404 page not found\n")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Door:
    """A port of a node."""

    netns: NetnsName
    address: str
    port: int


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

    def doors(self) -> set[Door]:
        """Return every port that is to be open now."""
        found = set()
        for name, node in self._kube_proxy.nodes.items():
            found.add(Door(netns=name, address="127.0.0.1", port=PROXY_PORT))
            found.add(Door(netns=name, address=EVERYWHERE, port=HEALTH_PORT))
            for check in node.health_checks:
                found.add(Door(netns=name, address=EVERYWHERE, port=check.port))
        return found

    def answer(self, door: Door, path: str) -> Answer:
        """Return what a port answers to a path."""
        paths = self._paths(door)
        if paths is None:
            return self._health_check(door)
        found = paths.get(path)
        return found() if found is not None else _NOT_FOUND

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
        configuration = self._kube_proxy.nodes[door.netns].configuration
        shown = configz_values(configuration, self._kube_proxy.mode)
        return Answer(headers={"Content-Type": "application/json"}, body=json.dumps(shown))

    def _healthz(self, door: Door) -> Answer:
        node = Key("nodes", "", self._kube_proxy.nodes[door.netns].node.name)
        answer = self._health(door, eligible=is_eligible(self._store.get(node) or {}))
        self._kube_proxy.metrics[door.netns].healthz[answer.status] += 1
        return answer

    def _livez(self, door: Door) -> Answer:
        answer = self._health(door, eligible=None)
        self._kube_proxy.metrics[door.netns].livez[answer.status] += 1
        return answer

    def _health(self, door: Door, *, eligible: bool | None) -> Answer:
        health, now = self._kube_proxy.health(door.netns), self._clock()
        return proxy_health_answer(
            health, now=now, stamp=_stamp(now), updated=_stamp(health.updated_at), eligible=eligible
        )

    def _health_check(self, door: Door) -> Answer:
        is_healthy = self._kube_proxy.health(door.netns).is_healthy(self._clock())
        for check in self._kube_proxy.nodes[door.netns].health_checks:
            if check.port == door.port:
                return health_check_answer(check, proxy_is_healthy=is_healthy)
        return _NOT_FOUND

    def _metrics(self, door: Door) -> Answer:
        found = self._kube_proxy.metrics[door.netns].metrics(
            self._kube_proxy.mode,
            self._kube_proxy.rules_held(door.netns),
            self._kube_proxy.nodes[door.netns].without_local_endpoints,
        )
        return Answer(headers={"Content-Type": CONTENT_TYPE}, body=render_metrics(found))


def _stamp(seconds: float) -> str:
    """Return wall clock seconds as RFC 3339, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
