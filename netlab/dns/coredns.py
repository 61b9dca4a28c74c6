"""CoreDNS as netlab has it: the cluster's DNS server, in a pod like any other.

=========  ========================================================
``:53``    UDP and TCP: the cluster's zone; the rest is asked of the servers in ``/etc/resolv.conf``
``:8080``  ``/health``: it runs
``:8181``  ``/ready``: it knows all Services, endpoints and namespaces
``:9153``  ``/metrics``
=========  ========================================================

Until it knows the objects, it answers SERVFAIL: a name that it has not heard of yet may exist.

Source: CoreDNS, plugins kubernetes, forward, cache, loadbalance, health, ready and prometheus, as
kubeadm configures them.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from netlab.dns import reflector
from netlab.dns.cluster_zone import ClusterZone
from netlab.dns.metrics import metrics_text
from netlab.dns.objects import Object, endpoint_slice_of, service_of
from netlab.dns.records import Answer, Rcode
from netlab.dns.resolver import Resolver
from netlab.dns.server import Server

PORT: Final = 53
HEALTH_PORT, READY_PORT, METRICS_PORT = 8080, 8181, 9153
_PATHS: Final = (
    "/api/v1/namespaces",
    "/api/v1/services",
    "/apis/discovery.k8s.io/v1/endpointslices",
)
_RESOLV_CONF: Final = Path("/etc/resolv.conf")


class WatchedZone:
    """The cluster's zone, as far as the API server has told it.

    Args:
        serial: Of its SOA record.
    """

    def __init__(self, serial: int) -> None:
        self._zone = ClusterZone(serial=serial)
        self._known: dict[str, set[tuple[str, str]]] = {}

    @property
    def version(self) -> int:
        """Another number whenever an answer may be another."""
        return self._zone.version

    @property
    def is_synced(self) -> bool:
        """Whether all kinds of objects have been listed."""
        return len(self._known) == len(_PATHS)

    def answer(self, name: str, qtype: int) -> Answer | None:
        """Return what is to be said of ``name``; None when it is another's to say."""
        found = self._zone.answer(name, qtype)
        return found if self.is_synced or found is None else Answer(rcode=Rcode.SERVFAIL)

    def replace(self, resource: str, objects: Sequence[Object]) -> None:
        """Take these for all objects of a kind."""
        found = {_key(obj): obj for obj in objects}
        for key in self._known.get(resource, set()) - found.keys():
            self._set(resource, key, None)
        for key, obj in found.items():
            self._set(resource, key, obj)
        self._known[resource] = set(found)

    def change(self, resource: str, kind: str, obj: Object) -> None:
        """Take a change of an object."""
        key = _key(obj)
        if kind == "DELETED":
            self._known[resource].discard(key)
            self._set(resource, key, None)
        else:
            self._known[resource].add(key)
            self._set(resource, key, obj)

    def _set(self, resource: str, key: tuple[str, str], obj: Object | None) -> None:
        """Take an object as it is now; one that cannot be read is left out, the others go on."""
        try:
            self._take(resource, key, obj)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            where = f"{resource} {key[0]}/{key[1]}"
            print(f"{where} is left out: {type(error).__name__}: {error}", flush=True)  # noqa: T201
            self._take(resource, key, None)

    def _take(self, resource: str, key: tuple[str, str], obj: Object | None) -> None:
        match resource:
            case "namespaces":
                self._zone.set_namespace(key[1], exists=obj is not None)
            case "services":
                self._zone.set_service(key, service_of(obj) if obj is not None else None)
            case _:
                self._zone.set_slice(key, endpoint_slice_of(obj) if obj is not None else None)


class _Receiver:
    """Hands what reflectors tell in their threads to the zone in the event loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, zone: WatchedZone) -> None:
        self._loop = loop
        self._zone = zone

    def replaced(self, resource: str, objects: Sequence[Object]) -> None:
        self._loop.call_soon_threadsafe(self._zone.replace, resource, objects)

    def changed(self, resource: str, kind: str, obj: Object) -> None:
        self._loop.call_soon_threadsafe(self._zone.change, resource, kind, obj)


def run(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Serve until the process is ended.

    Args:
        ready: Called once the sockets are open.
        argv: None: it is configured as kubeadm has it.

    Raises:
        SystemExit: With 1 when there are arguments.
    """
    if argv:
        ready()
        print(f"coredns: netlab's takes no arguments: {' '.join(argv)}", flush=True)  # noqa: T201
        raise SystemExit(1)
    asyncio.run(_serve(ready))


async def _serve(ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    zone = WatchedZone(int(time.time()))  # noqa: TID251 (the edge: a process of its own)
    upstreams = name_servers(_RESOLV_CONF.read_text())
    server = Server(Resolver(zone, forwards=bool(upstreams)), upstreams, time.monotonic)
    server.serve_udp(bind(PORT, socket.SOCK_DGRAM))
    await server.serve_tcp(bind(PORT, socket.SOCK_STREAM))
    pages: Mapping[tuple[int, str], Callable[[], tuple[int, str]]] = {
        (HEALTH_PORT, "/health"): lambda: (200, "OK"),
        (READY_PORT, "/ready"): lambda: (200, "OK") if zone.is_synced else (503, "kubernetes"),
        (METRICS_PORT, "/metrics"): lambda: (200, metrics_text(server)),
    }
    for port in (HEALTH_PORT, READY_PORT, METRICS_PORT):
        own = {path: page for (at, path), page in pages.items() if at == port}
        await asyncio.start_server(partial(_page, own), sock=bind(port, socket.SOCK_STREAM))
    receiver = _Receiver(loop, zone)
    connect = reflector.in_cluster(os.environ)
    for path in _PATHS:
        reflector.Reflector(connect, reflector.token_of, path, receiver).start()
    print(f".:{PORT}\nforward . {' '.join(upstreams)}", flush=True)  # noqa: T201 (the log)
    ready()
    await ended.wait()


def bind(port: int, kind: socket.SocketKind) -> socket.socket:
    """Return a socket on every address of the pod, of both families where it has both."""
    try:
        opened = socket.socket(socket.AF_INET6, kind)
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    except OSError:
        opened = socket.socket(socket.AF_INET, kind)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(("", port))
    if kind == socket.SOCK_STREAM:
        opened.listen(1024)
    return opened


def name_servers(resolv_conf: str) -> list[str]:
    """Return the servers that a resolv.conf names, in its order.

    >>> name_servers("nameserver 10.0.0.10")
    ['10.0.0.10']
    """
    words = [line.split() for line in resolv_conf.splitlines()]
    return [one[1] for one in words if one[:1] == ["nameserver"] and len(one) > 1]


async def _page(
    pages: Mapping[str, Callable[[], tuple[int, str]]],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Answer one HTTP request."""
    try:
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode("ascii", "replace").partition("?")[0]
        status, text = pages.get(path, lambda: (404, "404 page not found"))()
        body = text.encode()
        writer.write(
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
    except (TimeoutError, OSError, ValueError, IndexError, asyncio.IncompleteReadError):
        return
    except asyncio.LimitOverrunError:
        return
    finally:
        writer.close()


def _key(obj: Object) -> tuple[str, str]:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
