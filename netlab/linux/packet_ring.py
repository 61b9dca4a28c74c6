"""A capture of every interface of one network namespace.

Theory of operation
-------------------
A packet socket stays in the namespace it was created in. Bound to no interface, it hears all of
them, later ones included, and each record names the interface and the direction. The kernel writes
the records into a ring of blocks that is mapped into this process (``TPACKET_V3``), so reading
costs no system call for each packet, and none is lost while Python is slow. A block is handed over
when it is full or ``BLOCK_TIMEOUT_MS`` old, and given back as soon as it is copied.

``take`` is for captures of anything that comes: it makes one plain tuple of a frame. ``drain``
makes a value with names, which costs several times as much.

Source: Linux, Documentation/networking/packet_mmap.rst.
"""

import ctypes
import mmap
import os
import socket
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, NamedTuple, TypeVar

from netlab.errors import KernelError
from netlab.linux.frames import Frame
from netlab.linux.socket_filters import everything
from netlab.model.hosts import Host
from netlab.model.names import NetnsName
from netlab.model.packets import Direction

Enter = Callable[[NetnsName], AbstractContextManager[None]]
"""Moves the calling thread into a namespace for the length of a ``with`` block."""

SNAP: Final = 2048
"""Bytes kept of a frame: all of it, at the MTUs of a lab without jumbo frames."""

BLOCK_BYTES: Final = 1 << 18
BLOCKS: Final = 8
FRAME_BYTES: Final = 2048
BLOCK_TIMEOUT_MS: Final = 20
WAITING_BYTES: Final = 64 << 20
"""What may be copied and not yet read; beyond it, frames wait in the ring and then find no room."""

SOL_PACKET: Final = 263
PACKET_RX_RING: Final = 5
PACKET_STATISTICS: Final = 6
PACKET_VERSION: Final = 10
TPACKET_V3: Final = 2
SO_ATTACH_FILTER: Final = 26
ETH_P_ALL: Final = 3
"""linux/if_packet.h, asm/socket.h, linux/if_ether.h"""

_BLOCK = struct.Struct("=IIII")  # status, number of records, offset of the first, bytes; at +8
_RECORD = struct.Struct("=IIIII4xH26xi2xB")
"""Offset of the next, seconds, nanoseconds, snap length, length, offset of the frame; then, from
``struct sockaddr_ll`` behind it, the interface's index and the packet type."""

Point = TypeVar("Point")
Record = tuple[int, Point, int, bytes]
"""One frame: nanoseconds since 1970, where it was, bytes on the wire, what was kept of it."""


class Passage(NamedTuple):
    """An interface, and the way that a frame took through it."""

    ifindex: int
    kind: int
    """``PACKET_HOST``, ``PACKET_OUTGOING`` ... (linux/if_packet.h)."""


_libc = ctypes.CDLL(None, use_errno=True)


_Point = tuple[str, Direction, bool]
"""Interface, direction, and whether the frame was for another host."""


class Points(dict[int, Point | None]):
    """What stands for each passage that was met, by its number; others are looked up once."""

    def __init__(self, look_up: Callable[[Passage], Point | None]) -> None:
        super().__init__()
        self._look_up = look_up

    def __missing__(self, code: int) -> Point | None:
        self[code] = found = self._look_up(Passage(code >> 3, code & 7))
        return found


class Ring:
    """An open capture; selectable, and drained by its owner.

    Args:
        host: Whose namespace to hear.
        enter: Moves this thread into that namespace; used while opening only.
        program: A socket filter of ``netlab.linux.socket_filters``; it sets the snap length.
        blocks: Room for frames that wait to be taken, in units of 256 KiB; at least 2.
        later: Only have the socket; its owner calls ``start``, from any thread.

    Raises:
        FileNotFoundError: The namespace is gone.
        KernelError: The kernel refused the socket or the ring.
    """

    def __init__(
        self,
        host: Host,
        enter: Enter,
        program: bytes = b"",
        *,
        blocks: int = BLOCKS,
        later: bool = False,
    ) -> None:
        self._host = host
        self._enter = enter
        self._blocks = blocks
        self._block = 0
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._heard = 0
        self._dropped = 0
        self._names: dict[int, str] = {}
        self._points = Points(self._point)
        with enter(host.netns):
            self._socket = _packet_socket(host)
            self._read_names()
        self._program = program or everything(SNAP)
        self._map: mmap.mmap | None = None
        if not later:
            self.start()

    def start(self) -> None:
        """Begin to hear; the kernel takes some milliseconds for it, and many beside each other.

        Raises:
            KernelError: The kernel refused the ring; the socket is closed.
        """
        try:
            self._map = _open_ring(self._socket, self._program, self._blocks)
        except OSError as error:
            self._socket.close()
            raise KernelError(f"no capture ring on {self._host.name}: {error.strerror}") from error

    def narrow(self, program: bytes) -> None:
        """Hear by another program from now on."""
        _attach_filter(self._socket, program)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a block is full or old enough."""
        return self._socket.fileno()

    def take(self, points: Points[Point]) -> list[Record[Point]]:
        """Return the frames the kernel has handed over, in its order, and give the room back.

        Args:
            points: What stands for each passage; frames at None are left out.
        """
        records: list[Record[Point]] = []
        append, unpack = records.append, _RECORD.unpack_from
        self.collect()
        blocks, self._waiting, self._waiting_bytes = self._waiting, [], 0
        for block in blocks:
            count, at = struct.unpack_from("=II", block, 12)
            for _ in range(count):
                following, sec, nsec, kept, length, start, ifindex, kind = unpack(block, at)
                point = points[ifindex << 3 | kind]
                if point is not None:
                    start += at
                    content = block[start : start + kept]
                    append((sec * 1_000_000_000 + nsec, point, length, content))
                at += following
        return records

    def collect(self) -> None:
        """Copy the blocks that the kernel has handed over and give them back; ``take`` reads them.

        It costs little, and keeps frames from being dropped while their owner is busy with others.
        """
        while self._map is not None and self._waiting_bytes < WAITING_BYTES:
            start = self._block * BLOCK_BYTES
            status, _, _, size = _BLOCK.unpack_from(self._map, start + 8)
            if not status & 1:
                return
            self._waiting.append(self._map[start : start + size])
            self._waiting_bytes += size
            struct.pack_into("=I", self._map, start + 8, 0)
            self._block = (self._block + 1) % self._blocks

    def drain(self) -> list[Frame]:
        """Return the frames the kernel has handed over, in its order, and give the room back."""
        return [
            Frame(
                netns=self._host.netns,
                host=self._host.name,
                ifname=ifname,
                direction=direction,
                time_ns=time_ns,
                data=content,
                length=length,
                for_another=for_another,
            )
            for time_ns, (ifname, direction, for_another), length, content in self.take(
                self._points
            )
        ]

    def dropped(self) -> int:
        """Return how many frames found no room since the capture began."""
        self._count()
        return self._dropped

    def heard(self) -> int:
        """Return how many frames came since the capture began, those that found no room too."""
        self._count()
        return self._heard

    def _count(self) -> None:
        # Reading the counters clears them in the kernel.
        counters = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12)
        heard, dropped, _ = struct.unpack("III", counters)
        self._heard += heard
        self._dropped += dropped

    def close(self) -> None:
        """Give the ring back; the kernel takes some milliseconds for it."""
        if self._map is not None:
            self._map.close()
        self._socket.close()

    def _point(self, passage: Passage) -> _Point | None:
        ifname = self._name(passage.ifindex)
        if is_second_copy(ifname, passage.kind):
            return None
        direction = Direction.OUT if passage.kind == socket.PACKET_OUTGOING else Direction.IN
        return ifname, direction, passage.kind == socket.PACKET_OTHERHOST

    def _name(self, ifindex: int) -> str:
        if ifindex not in self._names:
            with self._enter(self._host.netns):
                self._read_names()
        return self._names.get(ifindex, f"if{ifindex}")

    def _read_names(self) -> None:
        # By ioctl: /sys shows the interfaces of the namespace it was mounted in.
        self._names.update(socket.if_nameindex())


def is_second_copy(ifname: str, kind: int) -> bool:
    """Tell whether a frame is shown twice, and this is the one to leave out.

    Loopback shows each packet as it goes out and as it comes in; one of the two is enough.
    """
    return ifname == "lo" and kind == socket.PACKET_OUTGOING


def _packet_socket(host: Host) -> socket.socket:
    try:
        # Protocol 0 hears nothing until the filter is in place.
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    except OSError as error:
        raise KernelError(f"no packet socket on {host.name}: {error.strerror}") from error


def _attach_filter(opened: socket.socket, program: bytes) -> None:
    filter_ = ctypes.create_string_buffer(program, len(program))
    count_and_address = struct.pack("HP", len(program) // 8, ctypes.addressof(filter_))
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, count_and_address)


def _open_ring(opened: socket.socket, program: bytes, blocks: int) -> mmap.mmap:
    _attach_filter(opened, program)
    opened.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
    frames = BLOCK_BYTES * blocks // FRAME_BYTES
    request = (BLOCK_BYTES, blocks, FRAME_BYTES, frames, BLOCK_TIMEOUT_MS, 0, 0)
    # The kernel waits here for all its CPUs; Python's own call would have all threads wait with it.
    packed = struct.pack("7I", *request)
    _checked(_libc.setsockopt(opened.fileno(), SOL_PACKET, PACKET_RX_RING, packed, len(packed)))
    mapped = mmap.mmap(opened.fileno(), BLOCK_BYTES * blocks)
    # Python's bind() wants an interface name; interface 0 means all of them.
    everywhere = struct.pack("HHiHBB8s", socket.AF_PACKET, socket.htons(ETH_P_ALL), 0, 0, 0, 0, b"")
    _checked(_libc.bind(opened.fileno(), everywhere, len(everywhere)))
    return mapped


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
