"""Frames of SPDY/3.1, as a client writes and reads them."""

import struct
import zlib

import pytest

from netlab.apiserver.streams import spdy
from netlab.apiserver.streams.spdy import (
    Connection,
    DataReceived,
    GoAwayReceived,
    PingReceived,
    SpdyError,
    StreamHalfClosed,
    StreamOpened,
    StreamReset,
)


class Client:
    """The client's end, as little of it as the tests need."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=spdy.DICTIONARY)

    def open(self, stream: int, headers: dict[str, str], *, fin: bool = False) -> bytes:
        text = struct.pack(">I", len(headers))
        for pair in headers.items():
            for word in pair:
                text += struct.pack(">I", len(word)) + word.encode()
        block = self._deflate.compress(text) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        body = struct.pack(">IIH", stream, 0, 0) + block
        return struct.pack(">II", 0x80030001, int(fin) << 24 | len(body)) + body


def control(kind: int, body: bytes, version: int = 3) -> bytes:
    return struct.pack(">II", 0x80000000 | version << 16 | kind, len(body)) + body


def test_the_dictionary_is_that_of_the_draft():
    assert len(spdy.DICTIONARY) == 1423
    assert zlib.adler32(spdy.DICTIONARY) == 0xE3C6A7C2


def test_headers_of_many_streams_are_one_compressed_text():
    client, connection = Client(), Connection()
    sent = client.open(1, {"Streamtype": "error"}) + client.open(3, {"Streamtype": "stdout"})
    assert list(connection.receive(sent)) == [
        StreamOpened(1, {"streamtype": "error"}),
        StreamOpened(3, {"streamtype": "stdout"}),
    ]


def test_bytes_may_come_one_at_a_time():
    client, connection = Client(), Connection()
    sent = client.open(1, {"streamtype": "stdin"}) + Connection.send_data(1, b"hello", fin=True)
    events = [event for byte in sent for event in connection.receive(bytes([byte]))]
    assert events == [
        StreamOpened(1, {"streamtype": "stdin"}),
        DataReceived(1, b"hello"),
        StreamHalfClosed(1),
    ]


def test_a_stream_may_be_closed_as_it_is_opened():
    sent = Client().open(5, {}, fin=True)
    assert list(Connection().receive(sent)) == [StreamOpened(5, {}), StreamHalfClosed(5)]


def test_a_ping_is_answered_with_itself():
    ping = control(6, b"\0\0\0\7")
    assert list(Connection().receive(ping)) == [PingReceived(ping)]


def test_a_reset_and_a_goodbye_are_events():
    sent = control(3, struct.pack(">II", 7, 5)) + control(7, bytes(8))
    assert list(Connection().receive(sent)) == [StreamReset(7), GoAwayReceived()]


def test_settings_and_window_updates_say_nothing():
    assert list(Connection().receive(control(4, bytes(4)) + control(9, bytes(8)))) == []


def test_data_is_cut_into_frames_and_the_last_may_be_empty():
    sent = Connection.send_data(3, b"x" * 40_000, fin=True)
    events = list(Connection().receive(sent))
    assert events == [
        DataReceived(3, b"x" * 32_768),
        DataReceived(3, b"x" * 7_232),
        StreamHalfClosed(3),
    ]


def test_a_reply_can_be_read_with_the_same_dictionary():
    reply = Connection().send_reply(9)
    first, length = struct.unpack_from(">II", reply)
    assert (first, length) == (0x80030002, len(reply) - 8)
    assert struct.unpack_from(">I", reply, 8) == (9,)
    assert zlib.decompressobj(zdict=spdy.DICTIONARY).decompress(reply[12:]) == bytes(4)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "bytes"),
        (control(1, bytes(10), version=2), "another version"),
        (control(1, bytes(10) + b"no zlib"), "headers"),
        (control(1, b""), "too short"),
        (control(5, bytes(4)), "type 5"),
    ],
    ids=["HTTP", "SPDY/2", "no compression", "no stream", "a frame of SPDY/2"],
)
def test_what_is_no_spdy_is_refused(sent: bytes, reason: str):
    with pytest.raises(SpdyError, match=reason):
        list(Connection().receive(sent))


def test_headers_that_claim_to_be_many_are_refused():
    block = zlib.compressobj(zdict=spdy.DICTIONARY)
    text = block.compress(struct.pack(">I", 1 << 31)) + block.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(SpdyError, match="more headers"):
        list(Connection().receive(control(1, bytes(10) + text)))
