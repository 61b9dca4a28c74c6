"""Messages of channels."""

import pytest

from netlab.apiserver.streams import websocket
from netlab.apiserver.streams.websocket import V4, V5, ChannelClosed, ChannelData


@pytest.mark.parametrize(
    ("message", "protocol", "meaning"),
    [
        (b"\0hello", V4, ChannelData(0, b"hello")),
        (b"\4{}", V5, ChannelData(4, b"{}")),
        (b"\xff\0", V5, ChannelClosed(0)),
        (b"\xff\0", V4, ChannelData(255, b"\0")),
        (b"\0", V5, None),
        (b"", V5, None),
    ],
    ids=["data", "data in v5", "end of stdin", "v4 has no end", "empty", "nothing at all"],
)
def test_a_message_is_bytes_for_a_channel_or_its_end(
    message: bytes, protocol: str, meaning: ChannelData | ChannelClosed | None
):
    assert websocket.receive(message, protocol) == meaning


def test_what_is_sent_is_what_is_received():
    assert websocket.receive(websocket.send(2, b"oops"), V4) == ChannelData(2, b"oops")
