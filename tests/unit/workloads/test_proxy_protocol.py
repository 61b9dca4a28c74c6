"""PROXY protocol heads, byte by byte."""

import io
import socket
import struct

import pytest

from netlab.workloads.proxy_protocol import ProxyHead, read_head

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(command: int, family: int, addresses: bytes) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(addresses)) + addresses


def read(data: bytes) -> tuple[ProxyHead | None, bytes]:
    """Return the head, and what is left of the connection after it."""
    stream = io.BufferedReader(io.BytesIO(data))
    head = read_head(stream.readline(), stream)
    return head, stream.read()


IPV4 = socket.inet_aton("198.51.100.79") + socket.inet_aton("10.244.1.2")
IPV6 = socket.inet_pton(socket.AF_INET6, "2001:db8::79") + bytes(16)
PORTS = struct.pack("!HH", 40000, 8080)


@pytest.mark.parametrize(
    ("data", "version", "client"),
    [
        pytest.param(
            b"PROXY TCP4 198.51.100.79 10.244.1.2 40000 8080\r\n",
            1,
            ("198.51.100.79", 40000),
            id="version 1 of IPv4",
        ),
        pytest.param(
            b"PROXY TCP6 2001:db8::79 fd00::1 40000 8080\r\n",
            1,
            ("2001:db8::79", 40000),
            id="version 1 of IPv6",
        ),
        pytest.param(b"PROXY UNKNOWN\r\n", 1, None, id="version 1 of no address"),
        pytest.param(
            v2(0x21, 0x11, IPV4 + PORTS), 2, ("198.51.100.79", 40000), id="version 2 of IPv4"
        ),
        pytest.param(
            v2(0x21, 0x21, IPV6 + PORTS), 2, ("2001:db8::79", 40000), id="version 2 of IPv6"
        ),
        pytest.param(
            v2(0x21, 0x11, IPV4 + PORTS + b"\x04\0\1x"),
            2,
            ("198.51.100.79", 40000),
            id="version 2 with further values",
        ),
        pytest.param(v2(0x20, 0x00, b""), 2, None, id="version 2 of the balancer's own"),
    ],
)
def test_a_head_names_the_client_and_leaves_the_rest(
    data: bytes, version: int, client: tuple[str, int] | None
):
    assert read(data + b"GET / HTTP/1.1\r\n") == (
        ProxyHead(version, client),
        b"GET / HTTP/1.1\r\n",
    )


def test_a_request_is_no_head():
    assert read(b"PUT / HTTP/1.1\r\nHost: a\r\n") == (None, b"Host: a\r\n")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"PROXY TCP4 198.51.100.79\r\n", id="a line too short"),
        pytest.param(b"PROXY TCP4 300.1.1.1 10.0.0.1 1 2\r\n", id="no address"),
        pytest.param(b"PROXY TCP4 198.51.100.79 10.0.0.1 one 2\r\n", id="no port"),
        pytest.param(b"PROXY TCP4 " + b"1" * 200 + b"\r\n", id="a line too long"),
        pytest.param(b"PROXY TCP4 198.51.100.79", id="no end"),
        pytest.param(b"\r\nGET / HTTP/1.1\r\n", id="an empty line"),
        pytest.param(v2(0x21, 0x11, IPV4), id="version 2 without ports"),
        pytest.param(v2(0x21, 0x11, IPV4 + PORTS)[:20], id="version 2 cut off"),
        pytest.param(v2(0x31, 0x11, IPV4 + PORTS), id="version 3"),
    ],
)
def test_what_begins_like_a_head_and_is_none_is_refused(data: bytes):
    with pytest.raises(ValueError, match=r"."):
        read(data)
