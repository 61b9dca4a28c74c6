"""The channels of ``v4.channel.k8s.io`` and ``v5.channel.k8s.io``: many streams in one WebSocket.

The first byte of each binary message is its channel. In version 5 a message of two bytes, 255 and a
channel, says that no more will be sent on that channel; version 4 cannot say so. Messages without
content are sent by some clients to open a channel, and mean nothing.

Source: k8s.io/apimachinery/pkg/util/remotecommand, k8s.io/client-go/tools/remotecommand.
"""

from dataclasses import dataclass
from typing import Final

V5: Final = "v5.channel.k8s.io"
V4: Final = "v4.channel.k8s.io"
SUPPORTED: Final = (V5, V4)
"""Best first."""

PORT_FORWARD_TUNNEL: Final = "SPDY/3.1+portforward.k8s.io"
"""kubectl port-forward: the bytes of a SPDY connection, cut into messages."""

_CLOSE: Final = 255


@dataclass(frozen=True, slots=True)
class ChannelData:
    """Bytes for a channel."""

    channel: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """No more comes on a channel."""

    channel: int


def receive(message: bytes, protocol: str) -> ChannelData | ChannelClosed | None:
    """Return what a message of the client says; None when it is empty."""
    if len(message) == 2 and message[0] == _CLOSE and protocol == V5:
        return ChannelClosed(message[1])
    if len(message) < 2:
        return None
    return ChannelData(message[0], message[1:])


def send(channel: int, data: bytes) -> bytes:
    """Return the message with bytes of a channel."""
    return bytes([channel]) + data
