"""The parts of a pod that are streams: ``/exec``, ``/attach``, ``/portforward``, ``/log``."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from aiohttp import web

from netlab.apiserver.store import Store
from netlab.apiserver.streaming.carriers import Carrier, SpdyCarrier, WebSocketCarrier
from netlab.apiserver.streaming.logs import read_log
from netlab.apiserver.streaming.portforward import Dial, forward_spdy, forward_websocket
from netlab.apiserver.streaming.remotecommand import ContainerProcess, Session
from netlab.apiserver.streaming.upgrades import (
    WebSocketTunnel,
    is_spdy,
    is_websocket,
    upgrade_to_spdy,
    upgrade_to_websocket,
)
from netlab.apiserver.streams import portforward as pf
from netlab.apiserver.streams import remotecommand as rc
from netlab.apiserver.streams import websocket
from netlab.apiserver.streams.logs import LogOptionsError, parse_log_options
from netlab.errors import NetlabError
from netlab.kube.kinds.pod.containers import ContainerRun, container_named, log_of_run
from netlab.kube.objects import Key, Object, name_of
from netlab.kube.status import StatusError, bad_request

Start = Callable[[], Awaitable[ContainerProcess]]

_POD: Final = "/api/v1/namespaces/{namespace}/pods/{name}"


class Kubelet(Protocol):
    """What is asked of the kubelet of a pod's node."""

    async def exec(
        self, pod: Object, container: str, command: Sequence[str], *, tty: bool
    ) -> ContainerProcess:
        """Run a program in a container.

        Raises:
            NetlabError: The container does not run, or the program cannot be executed.
        """

    async def attach(self, pod: Object, container: str) -> ContainerProcess:
        """Join the standard streams of a container's own program.

        Raises:
            NetlabError: The container does not run.
        """

    async def connect(self, pod: Object, port: int) -> int:
        """Return the descriptor of a TCP connection to a port of the pod, from inside it.

        Raises:
            NetlabError: Nothing listens there.
        """

    def log_file(self, pod: Object, run: ContainerRun) -> Path:
        """Return the file of a run's log."""


class PodStreams:
    """Answers requests for the streams of pods.

    Args:
        store: Has the pods.
        kubelet: Of all nodes.
        clock: Wall clock seconds.
    """

    def __init__(self, store: Store, kubelet: Kubelet, clock: Callable[[], float]) -> None:
        self._store = store
        self._kubelet = kubelet
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Return the routes; clients of SPDY post, those of WebSocket get."""
        found = [web.get(f"{_POD}/log", self._log, allow_head=False)]
        for method in ("GET", "POST"):
            found += [
                web.route(method, f"{_POD}/exec", self._exec),
                web.route(method, f"{_POD}/attach", self._attach),
                web.route(method, f"{_POD}/portforward", self._portforward),
            ]
        return found

    def _pod(self, request: web.Request) -> Object:
        match = request.match_info
        return self._store.require(Key("pods", match["namespace"], match["name"]))

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        options = rc.parse_options(request.query_string)
        if not options.command:
            raise bad_request("you must specify at least 1 command for the container")
        pod = self._pod(request)
        container = container_named(pod, options.container)

        async def start() -> ContainerProcess:
            return await self._kubelet.exec(pod, container, options.command, tty=options.tty)

        return await _run(request, options, start, is_attached=False)

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        options = rc.parse_options(request.query_string)
        pod = self._pod(request)
        container = container_named(pod, options.container)

        async def start() -> ContainerProcess:
            return await self._kubelet.attach(pod, container)

        return await _run(request, options, start, is_attached=True)

    async def _portforward(self, request: web.Request) -> web.StreamResponse:
        pod = self._pod(request)

        async def dial(port: int) -> int:
            return await self._kubelet.connect(pod, port)

        return await _forward(request, name_of(pod), dial)

    async def _log(self, request: web.Request) -> web.StreamResponse:
        try:
            options = parse_log_options(request.query, self._clock())
        except LogOptionsError as error:
            raise bad_request(str(error)) from error
        pod = self._pod(request)
        run = log_of_run(pod, container_named(pod, options.container), previous=options.previous)

        def is_running() -> bool:
            # Whoever has left reads no more; a log that says nothing is not written to it either.
            if request.transport is None or request.transport.is_closing():
                return False
            now = self._store.get(Key("pods", request.match_info["namespace"], name_of(pod)))
            return now is not None and run.is_present_in(now)

        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        blocks = read_log(self._kubelet.log_file(pod, run), options, is_running)
        try:
            async for block in blocks:
                await response.write(block)
            await response.write_eof()
        finally:
            await blocks.aclose()
        return response


async def _run(
    request: web.Request, options: rc.Options, start: Start, *, is_attached: bool
) -> web.StreamResponse:
    carrier = await _open_carrier(request, options)
    # Only now: what a program says before its client listens is lost.
    try:
        process = await start()
    except NetlabError as error:
        await carrier.finish(rc.failure_status(f"Internal error occurred: {error}"))
        return carrier.response
    await Session(carrier, process, options).run(is_attached=is_attached)
    return carrier.response


async def _open_carrier(request: web.Request, options: rc.Options) -> Carrier:
    if is_websocket(request):
        return WebSocketCarrier(await upgrade_to_websocket(request, websocket.SUPPORTED))
    if is_spdy(request):
        pipe = await upgrade_to_spdy(request, rc.SPDY_PROTOCOLS)
        carrier = SpdyCarrier(pipe, options.streams)
        await carrier.open()
        return carrier
    raise _upgrade_required()


async def _forward(request: web.Request, pod: str, dial: Dial) -> web.StreamResponse:
    if is_spdy(request):
        pipe = await upgrade_to_spdy(request, pf.SPDY_PROTOCOLS)
        await forward_spdy(pipe, pod, dial)
        return pipe.response
    if not is_websocket(request):
        raise _upgrade_required()
    if websocket.PORT_FORWARD_TUNNEL in request.headers.get("Sec-WebSocket-Protocol", ""):
        response = await upgrade_to_websocket(request, [websocket.PORT_FORWARD_TUNNEL])
        await forward_spdy(WebSocketTunnel(response), pod, dial)
        return response
    try:
        ports = pf.parse_ports(request.query_string)
    except pf.PortForwardError as error:
        raise bad_request(str(error)) from error
    response = await upgrade_to_websocket(request, [websocket.V4])
    await forward_websocket(response, ports, pod, dial)
    return response


def _upgrade_required() -> StatusError:
    return StatusError("Upgrade request required", code=400, reason="BadRequest")
