"""Questions to other servers.

Source: RFC 1035, section 4.2; RFC 5452 (a port and a number of its own for each question).
"""

import asyncio
import secrets
import socket
import struct
from collections.abc import Sequence
from typing import Final

from netlab.dns import wire
from netlab.dns.records import Answer
from netlab.dns.resolver import Question

PORT: Final = 53
_TRY_S: Final = 1.0
_ROUNDS: Final = 2
_DATAGRAM: Final = 4096
_LENGTH: Final = struct.Struct("!H")


async def ask_upstream(servers: Sequence[str], question: Question) -> Answer | None:
    """Return what the first server that answers says; None when none does.

    A datagram may be lost, so all are asked twice. An answer that had to leave something out is
    asked for again over TCP.
    """
    for _ in range(_ROUNDS):
        for server in servers:
            try:
                async with asyncio.timeout(_TRY_S):
                    return await _ask(server, question)
            except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError):
                continue
    return None


async def _ask(server: str, question: Question) -> Answer:
    number = secrets.randbits(16)
    query = wire.write_query(number, question.name, question.qtype)
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.settimeout(0)
        await loop.sock_connect(connection, (server, PORT))
        await loop.sock_sendall(connection, query)
        while (data := await loop.sock_recv(connection, _DATAGRAM))[:2] != query[:2]:
            pass
    answer, is_truncated = wire.read_answer(data)
    return await _ask_tcp(server, query) if is_truncated else answer


async def _ask_tcp(server: str, query: bytes) -> Answer:
    reader, writer = await asyncio.open_connection(server, PORT)
    try:
        writer.write(_LENGTH.pack(len(query)) + query)
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return wire.read_answer(await reader.readexactly(length))[0]
    finally:
        writer.close()
