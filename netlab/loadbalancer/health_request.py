"""One question to a node whether it is fit to be sent to."""

import asyncio
import os
import socket
from typing import Final

from netlab.loadbalancer.balancer import HEALTH_PATH

_HEAD_BYTES: Final = 4096


async def ask_health(connecting: socket.socket, host: str, timeout_s: float) -> str:
    """Ask for ``/healthz`` and return the answer's status code, or why there was none.

    Args:
        connecting: A TCP socket whose connection is made or under way; it is closed.
        host: What to call the node.
        timeout_s: Seconds to wait for all of it.
    """
    with connecting:
        try:
            async with asyncio.timeout(timeout_s):
                return await _ask(connecting, host)
        except TimeoutError:
            return "no answer in time"
        except OSError as error:
            return (error.strerror or str(error)).lower()


async def _ask(connecting: socket.socket, host: str) -> str:
    loop = asyncio.get_running_loop()
    await _writable(connecting)
    error = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))
    request = f"GET {HEALTH_PATH} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    await loop.sock_sendall(connecting, request.encode())
    head = b""
    while b"\r\n" not in head and len(head) < _HEAD_BYTES:
        block = await loop.sock_recv(connecting, _HEAD_BYTES)
        if not block:
            break
        head += block
    words = head.split(b" ", 2)
    return words[1].decode("ascii", "replace") if len(words) > 1 else "no HTTP answer"


async def _writable(connecting: socket.socket) -> None:
    loop, made = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(connecting, made.set)
    try:
        await made.wait()
    finally:
        loop.remove_writer(connecting)
