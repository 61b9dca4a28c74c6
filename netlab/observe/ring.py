"""A capture of every interface of one network namespace.

Theory of operation
-------------------
A packet socket stays in the namespace it was created in. Bound to no interface, it hears all of
them, later ones included, and each record names the interface and the direction. The kernel writes
the records into a ring of blocks that is mapped into this process (``TPACKET_V3``), so reading
costs no system call for each packet, and none is lost while Python is slow. A block is handed over
when it is full or ``BLOCK_TIMEOUT_MS`` old, and given back after reading.

Source: Linux, Documentation/networking/packet_mmap.rst.
"""

import ctypes
import mmap
import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final

from netlab.errors import KernelError
from netlab.model.hosts import Host
from netlab.model.names import NetnsName
from netlab.observe.filters import everything
from netlab.observe.frames import Frame
from netlab.path.observations import Direction

Enter = Callable[[NetnsName], AbstractContextManager[None]]
"""Moves the calling thread into a namespace for the length of a ``with`` block."""

SNAP: Final = 2048
"""Bytes kept of a frame: all of it, at the MTUs of a lab without jumbo frames."""

BLOCK_BYTES: Final = 1 << 18
BLOCKS: Final = 8
FRAME_BYTES: Final = 2048
BLOCK_TIMEOUT_MS: Final = 20

SOL_PACKET: Final = 263
PACKET_RX_RING: Final = 5
PACKET_STATISTICS: Final = 6
PACKET_VERSION: Final = 10
TPACKET_V3: Final = 2
SO_ATTACH_FILTER: Final = 26
ETH_P_ALL: Final = 3
"""linux/if_packet.h, asm/socket.h, linux/if_ether.h"""

_BLOCK = struct.Struct("III")  # status, number of records, offset of the first; at +8
_RECORD = struct.Struct("IIIIIIH")  # next, sec, nsec, snap length, length, status, MAC offset
_ADDRESS = struct.Struct("HHiHB")  # struct sockaddr_ll as far as the packet type; at +48

_libc = ctypes.CDLL(None, use_errno=True)


class Ring:
    """An open capture; selectable, and drained by its owner.

    Args:
        host: Whose namespace to hear.
        enter: Moves this thread into that namespace; used while opening only.
        program: A socket filter of ``netlab.observe.filters``; it sets the snap length.

    Raises:
        FileNotFoundError: The namespace is gone.
        KernelError: The kernel refused the socket or the ring.
    """

    def __init__(self, host: Host, enter: Enter, program: bytes = b"") -> None:
        self._host = host
        self._enter = enter
        self._block = 0
        self._dropped = 0
        self._names: dict[int, str] = {}
        with enter(host.netns):
            self._socket = _packet_socket(host)
            self._read_names()
        try:
            self._map = _open_ring(self._socket, program or everything(SNAP))
        except OSError as error:
            self._socket.close()
            raise KernelError(f"no capture ring on {host.name}: {error.strerror}") from error

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a block is full or old enough."""
        return self._socket.fileno()

    def drain(self) -> list[Frame]:
        """Return the frames the kernel has handed over, in its order, and give the room back."""
        frames: list[Frame] = []
        while self._ready():
            start = self._block * BLOCK_BYTES
            frames.extend(self._frames(start))
            struct.pack_into("I", self._map, start + 8, 0)
            self._block = (self._block + 1) % BLOCKS
        return frames

    def dropped(self) -> int:
        """Return how many frames found no room since the capture began."""
        # Reading the counters clears them in the kernel.
        counters = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12)
        self._dropped += struct.unpack("III", counters)[1]
        return self._dropped

    def close(self) -> None:
        """Give the ring back; the kernel takes some milliseconds for it."""
        self._map.close()
        self._socket.close()

    def _ready(self) -> bool:
        (status,) = struct.unpack_from("I", self._map, self._block * BLOCK_BYTES + 8)
        return bool(status & 1)

    def _frames(self, start: int) -> Iterator[Frame]:
        _, count, first = _BLOCK.unpack_from(self._map, start + 8)
        position = start + first
        for _ in range(count):
            following = _RECORD.unpack_from(self._map, position)[0]
            frame = self._frame(position)
            if frame is not None:
                yield frame
            position += following

    def _frame(self, position: int) -> Frame | None:
        _, sec, nsec, kept, length, _, mac = _RECORD.unpack_from(self._map, position)
        _, _, ifindex, _, kind = _ADDRESS.unpack_from(self._map, position + 48)
        ifname = self._name(ifindex)
        outgoing = kind == socket.PACKET_OUTGOING
        if ifname == "lo" and outgoing:
            # Loopback shows each packet twice; the copy that comes in is enough.
            return None
        return Frame(
            netns=self._host.netns,
            host=self._host.name,
            ifname=ifname,
            direction=Direction.OUT if outgoing else Direction.IN,
            time_ns=sec * 1_000_000_000 + nsec,
            data=bytes(self._map[position + mac : position + mac + kept]),
            length=length,
            for_another=kind == socket.PACKET_OTHERHOST,
        )

    def _name(self, ifindex: int) -> str:
        if ifindex not in self._names:
            with self._enter(self._host.netns):
                self._read_names()
        return self._names.get(ifindex, f"if{ifindex}")

    def _read_names(self) -> None:
        # By ioctl: /sys shows the interfaces of the namespace it was mounted in.
        self._names.update(socket.if_nameindex())


def _packet_socket(host: Host) -> socket.socket:
    try:
        # Protocol 0 hears nothing until the filter is in place.
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    except OSError as error:
        raise KernelError(f"no packet socket on {host.name}: {error.strerror}") from error


def _open_ring(opened: socket.socket, program: bytes) -> mmap.mmap:
    filter_ = ctypes.create_string_buffer(program, len(program))
    count_and_address = struct.pack("HP", len(program) // 8, ctypes.addressof(filter_))
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, count_and_address)
    opened.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
    frames = BLOCK_BYTES * BLOCKS // FRAME_BYTES
    request = (BLOCK_BYTES, BLOCKS, FRAME_BYTES, frames, BLOCK_TIMEOUT_MS, 0, 0)
    opened.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack("7I", *request))
    mapped = mmap.mmap(opened.fileno(), BLOCK_BYTES * BLOCKS)
    # Python's bind() wants an interface name; interface 0 means all of them.
    everywhere = struct.pack("HHiHBB8s", socket.AF_PACKET, socket.htons(ETH_P_ALL), 0, 0, 0, 0, b"")
    if _libc.bind(opened.fileno(), everywhere, len(everywhere)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return mapped
