"""A ring buffer that an eBPF program writes and this process reads.

Theory of operation
-------------------
The map has a page with the reader's position, a page with the writer's, and the data, mapped twice
in a row so that a record never wraps. A record is a length, whose two upper bits say that it is
still being written or was given up, four bytes of the kernel's, and the content, to eight bytes.

Source: Linux, Documentation/bpf/ringbuf.rst.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from typing import Final

from netlab.linux.bpf.syscall import BPF_MAP_TYPE_RINGBUF, create_map

_BUSY: Final = 1 << 31
_DISCARDED: Final = 1 << 30
_HEADER_BYTES: Final = 8
_PAGE: Final = mmap.PAGESIZE


class BpfRing:
    """A ring buffer; selectable.

    Args:
        size: In bytes, a power of two and of pages.

    Raises:
        OSError: The kernel refused.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._position = 0
        self.map = create_map(BPF_MAP_TYPE_RINGBUF, entries=size)
        """Its descriptor, for the program."""
        try:
            self._reader = mmap.mmap(self.map, _PAGE, mmap.MAP_SHARED)
            self._data = mmap.mmap(
                self.map, _PAGE + 2 * size, mmap.MAP_SHARED, mmap.PROT_READ, offset=_PAGE
            )
        except OSError:
            os.close(self.map)
            raise

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a record is there."""
        return self.map

    def drain(self) -> Iterator[bytes]:
        """Yield every record that waits, and give its room back."""
        (written,) = struct.unpack_from("=Q", self._data, 0)
        while self._position < written:
            start = _PAGE + self._position % self._size
            (length,) = struct.unpack_from("=I", self._data, start)
            if length & _BUSY:
                return
            content = length & ~_DISCARDED
            start += _HEADER_BYTES
            record = self._data[start : start + content]
            self._position += (_HEADER_BYTES + content + 7) & ~7
            struct.pack_into("=Q", self._reader, 0, self._position)
            if not length & _DISCARDED:
                yield record

    def close(self) -> None:
        """Give the ring back."""
        self._reader.close()
        self._data.close()
        os.close(self.map)
