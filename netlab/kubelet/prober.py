"""Probes, made: a connection from the pod's node, or a program in the container.

A result is None for a success, or why the probe failed, in the kubelet's words.

Source: Kubernetes, ``pkg/probe/{http,tcp,exec,grpc}``.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from netlab.errors import NetlabError
from netlab.kube.objects import Object, items_of, spec_of, status_of
from netlab.kubelet import grpc_health
from netlab.model.names import NetnsName, host_netns

_OUTPUT_BYTES: Final = 10 << 10
_HEAD_BYTES: Final = 64 << 10
_USER_AGENT: Final = "kube-probe/1.37"


class RunningProgram(Protocol):
    """A program in a container."""

    @property
    def stdin(self) -> int:
        """Where to write its input."""

    @property
    def stdout(self) -> int:
        """Where to read its output."""

    @property
    def stderr(self) -> int | None:
        """Where to read its complaints."""

    async def wait(self) -> int:
        """Return its exit code when it has ended."""

    def kill(self) -> None:
        """Kill it."""


Connect = Callable[[NetnsName, str, int], Awaitable[int]]
Execute = Callable[[Object, str, tuple[str, ...]], Awaitable[RunningProgram]]


class Prober:
    """Makes probes.

    Args:
        lab: Name.
        connect: Returns the descriptor of a connection out of a namespace to an address and port,
            that is under way.
        execute: Runs a program in a pod's container.
    """

    def __init__(self, lab: str, connect: Connect, execute: Execute) -> None:
        self._lab = lab
        self._connect = connect
        self._execute = execute

    async def probe(
        self, pod: Object, container: Object, handler: Mapping[str, Any], timeout_s: float
    ) -> str | None:
        """Make a probe, or run a hook of a container's life.

        Args:
            pod: The pod.
            container: As the pod has it.
            handler: Has ``httpGet``, ``tcpSocket``, ``exec``, ``grpc`` or ``sleep``.
            timeout_s: After which it has failed.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._made(pod, container, handler)
        except TimeoutError:
            return _timed_out(handler, timeout_s)
        except (NetlabError, OSError) as error:
            return str(error)

    async def _made(self, pod: Object, container: Object, handler: Mapping[str, Any]) -> str | None:
        if handler.get("exec"):
            return await self._run(pod, container, tuple(handler["exec"].get("command") or ()))
        if handler.get("sleep"):
            await asyncio.sleep(float(handler["sleep"].get("seconds") or 0))
            return None
        if handler.get("httpGet"):
            return await self._get(pod, container, handler["httpGet"])
        if handler.get("tcpSocket"):
            where = handler["tcpSocket"]
            host = where.get("host") or _ip(pod)
            connection = await self._connected(pod, host, _port(container, where.get("port")))
            connection.close()
            return None
        port = _port(container, (handler.get("grpc") or {}).get("port"))
        service = str((handler.get("grpc") or {}).get("service") or "")
        connection = await self._connected(pod, _ip(pod), port)
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            return await grpc_health.check(reader, writer, service)
        finally:
            writer.close()

    async def _get(self, pod: Object, container: Object, get: Mapping[str, Any]) -> str | None:
        scheme = str(get.get("scheme") or "HTTP").lower()
        host = str(get.get("host") or _ip(pod))
        port = _port(container, get.get("port"))
        path = str(get.get("path") or "/")
        shown = f"[{host}]" if ":" in host else host
        where = f'Get "{scheme}://{shown}:{port}{path}"'
        try:
            connection = await self._connected(pod, host, port)
        except OSError as error:
            return f"{where}: {error}"
        context = _unverified() if scheme == "https" else None
        reader, writer = await asyncio.open_connection(
            sock=connection, ssl=context, server_hostname="" if context else None
        )
        headers = {"Host": f"{shown}:{port}", "User-Agent": _USER_AGENT, "Accept": "*/*"}
        headers |= {one["name"]: one.get("value", "") for one in items_of(get, "httpHeaders")}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write(("\r\n".join([*lines, "Connection: close", "", ""])).encode())
        try:
            head = await reader.readline()
        finally:
            writer.close()
        words = head.split()
        if len(words) < 2 or not words[1].isdigit():
            return f"{where}: EOF"
        code = int(words[1])
        return None if 200 <= code < 400 else f"HTTP probe failed with statuscode: {code}"

    async def _connected(self, pod: Object, host: str, port: int) -> socket.socket:
        """Return a connection from the pod's node.

        Raises:
            OSError: Nobody answers there, in Go's words.
        """
        netns = host_netns(self._lab, spec_of(pod)["nodeName"])
        descriptor = await self._connect(netns, host, port)
        failure = await connected(descriptor)
        shown = f"[{host}]" if ":" in host else host
        if failure:
            os.close(descriptor)
            raise OSError(f"dial tcp {shown}:{port}: connect: {failure}")
        return socket.socket(fileno=descriptor)

    async def _run(self, pod: Object, container: Object, argv: tuple[str, ...]) -> str | None:
        program = await self._execute(pod, container["name"], argv)
        os.close(program.stdin)
        try:
            outputs = [program.stdout, *([program.stderr] if program.stderr is not None else [])]
            texts = await asyncio.gather(*(_read_all(output) for output in outputs))
            code = await program.wait()
        except asyncio.CancelledError:
            program.kill()
            raise
        return None if code == 0 else b"".join(texts).decode(errors="replace")[:_OUTPUT_BYTES]


async def connected(descriptor: int) -> str:
    """Wait until a connection is made; return why it is not, empty when it is."""
    loop = asyncio.get_running_loop()
    writable: asyncio.Future[None] = loop.create_future()
    loop.add_writer(descriptor, _settle, writable)
    try:
        await writable
    except asyncio.CancelledError:
        loop.remove_writer(descriptor)
        os.close(descriptor)
        raise
    loop.remove_writer(descriptor)
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        number = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return os.strerror(number).lower() if number else ""


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def _read_all(descriptor: int) -> bytes:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb", 0))
    try:
        return await reader.read(-1)
    finally:
        transport.close()


def _ip(pod: Object) -> str:
    found = items_of(status_of(pod), "podIPs")
    return str(found[0]["ip"]) if found else ""


def _port(container: Object, port: object) -> int:
    """Return a port's number, by its name if that is how it is given.

    Raises:
        NetlabError: The container has no port of that name.
    """
    if isinstance(port, int):
        return port
    text = str(port)
    if text.isdigit():
        return int(text)
    for one in items_of(container, "ports"):
        if one.get("name") == text:
            return int(one["containerPort"])
    raise NetlabError(f'couldn\'t find port: "{text}"')


def _timed_out(handler: Mapping[str, Any], timeout_s: float) -> str:
    if handler.get("exec"):
        command = " ".join(handler["exec"].get("command") or ())
        return f'command timed out: "{command}" timed out after {timeout_s:g}s'
    if handler.get("httpGet"):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    if handler.get("grpc"):
        return f"timeout: failed to connect service within {timeout_s:g}s: deadline exceeded"
    return "dial tcp: i/o timeout"


def _unverified() -> ssl.SSLContext:
    # A probe asks whether a server answers, not who it is.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
