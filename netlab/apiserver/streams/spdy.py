"""SPDY/3.1 as kubectl speaks it: one connection, many streams.

Theory of operation
-------------------
``Connection`` does no input or output. It is fed bytes and gives events; its ``send_`` methods
return the bytes to write. Headers of all streams of one direction share one zlib stream, which
begins with a dictionary that the draft fixes, so blocks must be read and written in the order of
the wire. The client does no flow control: it never waits for WINDOW_UPDATE, and neither do we.

Source: SPDY Protocol Draft 3.1, chapters 2 and 3; github.com/moby/spdystream.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from netlab.errors import SpecError

_WORDS: Final = (
    "options|head|post|put|delete|trace|accept|accept-charset|accept-encoding|accept-language|"
    "accept-ranges|age|allow|authorization|cache-control|connection|content-base|content-encoding|"
    "content-language|content-length|content-location|content-md5|content-range|content-type|date|"
    "etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|"
    "if-unmodified-since|last-modified|location|max-forwards|pragma|proxy-authenticate|"
    "proxy-authorization|range|referer|retry-after|server|te|trailer|transfer-encoding|upgrade|"
    "user-agent|vary|via|warning|www-authenticate|method|get|status|200 OK|version|HTTP/1.1|url|"
    "public|set-cookie|keep-alive|origin"
)
_TAIL: Final = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 "
    "Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 "
    "Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service "
    "UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, "
    "Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,"
    "sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY: Final = (
    b"".join(struct.pack(">I", len(word)) + word.encode() for word in _WORDS.split("|"))
    + _TAIL.encode()
)
"""What both ends compress headers with (2.6.10.1)."""

_CONTROL: Final = 0x8000_0000
_VERSION: Final = 3
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _HEADERS, _WINDOW_UPDATE = (
    *range(1, 5),
    *range(6, 10),
)
_FIN: Final = 0x01
_STREAM_ID: Final = 0x7FFF_FFFF
_FRAME_HEADER: Final = 8
_MAX_FRAME: Final = 1 << 20
"""kubectl's frames have 32 KiB at most."""
_MAX_HEADERS: Final = 1 << 16
_CHUNK: Final = 1 << 15
"""Bytes of data in one frame of ours."""

PROTOCOL_ERROR, INVALID_STREAM, REFUSED_STREAM, CANCEL = 1, 2, 3, 5
"""Status codes of RST_STREAM."""


class SpdyError(SpecError):
    """The other end breaks the protocol; nothing that it sends from here on can be understood."""


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The client opened a stream; it waits for ``send_reply``."""

    stream: int
    headers: Mapping[str, str]
    """Names in lower case."""


@dataclass(frozen=True, slots=True)
class DataReceived:
    """Bytes of a stream."""

    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamHalfClosed:
    """The client sends no more on a stream."""

    stream: int


@dataclass(frozen=True, slots=True)
class StreamReset:
    """The client wants no more of a stream, in either direction."""

    stream: int


@dataclass(frozen=True, slots=True)
class PingReceived:
    """The client asks whether we are there; ``answer`` is to be written."""

    answer: bytes


@dataclass(frozen=True, slots=True)
class GoAwayReceived:
    """The client ends the connection."""


Event = StreamOpened | DataReceived | StreamHalfClosed | StreamReset | PingReceived | GoAwayReceived


class Connection:
    """The server's end of one connection."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def receive(self, data: bytes) -> Iterator[Event]:
        """Yield what whole frames say; the rest waits for the next call.

        Raises:
            SpdyError: The bytes are no SPDY/3.1.
        """
        self._received += data
        while len(self._received) >= _FRAME_HEADER:
            first, second = struct.unpack_from(">II", self._received)
            flags, length = second >> 24, second & 0xFF_FFFF
            if length > _MAX_FRAME:
                raise SpdyError(f"a frame of {length} bytes")
            end = _FRAME_HEADER + length
            if len(self._received) < end:
                return
            body = bytes(self._received[_FRAME_HEADER:end])
            del self._received[:end]
            if first & _CONTROL:
                yield from self._control(first, flags, body)
            else:
                yield from _data(first & _STREAM_ID, flags, body)

    def _control(self, first: int, flags: int, body: bytes) -> Iterator[Event]:
        kind = first & 0xFFFF
        if (first >> 16) & 0x7FFF != _VERSION:
            raise SpdyError("a frame of another version than 3")
        if kind in (_SETTINGS, _WINDOW_UPDATE):
            return
        if kind == _PING:
            yield PingReceived(_control_frame(_PING, 0, body))
        elif kind == _GOAWAY:
            yield GoAwayReceived()
        else:
            yield from self._of_stream(kind, flags, body)

    def _of_stream(self, kind: int, flags: int, body: bytes) -> Iterator[Event]:
        if len(body) < 4:
            raise SpdyError("a control frame that is too short")
        stream = struct.unpack_from(">I", body)[0] & _STREAM_ID
        if kind == _SYN_STREAM:
            yield StreamOpened(stream, self._headers(body[10:]))
        elif kind in (_SYN_REPLY, _HEADERS):
            # Of no use here, but the compression of later headers goes on from theirs.
            self._headers(body[4:])
        elif kind == _RST_STREAM:
            yield StreamReset(stream)
        else:
            raise SpdyError(f"a control frame of type {kind}")
        if flags & _FIN:
            yield StreamHalfClosed(stream)

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            text = self._inflate.decompress(block, _MAX_HEADERS)
            return dict(_pairs(text))
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise SpdyError("headers that cannot be read") from error

    def send_reply(self, stream: int) -> bytes:
        """Return the frame that accepts a stream."""
        block = self._deflate.compress(struct.pack(">I", 0))
        block += self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _control_frame(_SYN_REPLY, 0, struct.pack(">I", stream) + block)

    @staticmethod
    def send_data(stream: int, data: bytes, *, fin: bool = False) -> bytes:
        """Return frames with data of a stream; with ``fin`` they are its last."""
        chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
        if fin:
            chunks.append(b"")
        frames = [struct.pack(">II", stream, len(chunk)) + chunk for chunk in chunks]
        if fin:
            frames[-1] = struct.pack(">II", stream, _FIN << 24)
        return b"".join(frames)

    @staticmethod
    def send_reset(stream: int, status: int = CANCEL) -> bytes:
        """Return the frame that ends a stream in both directions."""
        return _control_frame(_RST_STREAM, 0, struct.pack(">II", stream, status))

    @staticmethod
    def send_goaway() -> bytes:
        """Return the frame that ends the connection."""
        return _control_frame(_GOAWAY, 0, struct.pack(">II", 0, 0))


def _data(stream: int, flags: int, body: bytes) -> Iterator[Event]:
    if body:
        yield DataReceived(stream, body)
    if flags & _FIN:
        yield StreamHalfClosed(stream)


def _control_frame(kind: int, flags: int, body: bytes) -> bytes:
    first = _CONTROL | _VERSION << 16 | kind
    return struct.pack(">II", first, flags << 24 | len(body)) + body


def _pairs(block: bytes) -> Iterator[tuple[str, str]]:
    (count,) = struct.unpack_from(">I", block)
    if count > len(block):
        raise SpdyError("more headers than bytes")
    at = 4
    for _ in range(count):
        texts = []
        for _ in range(2):
            (length,) = struct.unpack_from(">I", block, at)
            at += 4
            texts.append(block[at : at + length].decode())
            at += length
        yield texts[0].lower(), texts[1]
