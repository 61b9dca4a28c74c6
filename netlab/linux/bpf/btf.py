"""The kernel's own description of its types: where in a structure a member lies.

Theory of operation
-------------------
BTF is a row of type records and a heap of names. A record has a name, a kind, and either a size or
the number of another type; behind it comes what its kind needs: the members of a structure, the
values of an enumeration. A type's number is its place in the row, and records differ in length, so
one pass over all of them comes first. Members of unnamed structures count as members of the one
around them, as in C.

Source: Linux, Documentation/bpf/btf.rst; include/uapi/linux/btf.h.
"""

import struct
from array import array
from typing import Final

MAGIC: Final = 0xEB9F
STRUCT, UNION, ENUM = 4, 5, 6
_MODIFIERS: Final = frozenset({8, 9, 10, 11, 18})
"""Typedef, volatile, const, restrict, type tag: they name another type and change no place."""

_BYTES_BEHIND: Final = {1: 4, 3: 12, 14: 4, 17: 4}
_BYTES_EACH: Final = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
"""BTF_KIND_*: bytes behind a record, as such or for each of its members."""

_HEADER: Final = struct.Struct("<HBBIIIII")
_TYPE: Final = struct.Struct("<III")
_PAIR: Final = struct.Struct("<II")


class BtfError(ValueError):
    """What was read is no BTF, or does not have the type or the member."""


class Btf:
    """A parsed BTF.

    Args:
        data: What ``/sys/kernel/btf/vmlinux`` holds, or a file of the same form.

    Raises:
        BtfError: It is no BTF, or of a byte order or kind that is not known.
    """

    def __init__(self, data: bytes) -> None:
        try:
            magic, _, _, length, type_at, type_size, name_at, _ = _HEADER.unpack_from(data)
        except struct.error as error:
            raise BtfError("too short for BTF") from error
        if magic != MAGIC:
            raise BtfError(f"no BTF of this machine's byte order: it begins with {magic:#x}")
        self._data = data
        self._names = length + name_at
        start = length + type_at
        self._places = self._pass(start, start + type_size)

    def offset(self, structure: str, *members: str) -> int:
        """Return how many bytes into ``structure`` a member lies, or a member of that member.

        Raises:
            BtfError: There is no such structure or member.
        """
        kind = self._find(STRUCT, structure)
        total = 0
        for member in members:
            found = self._member(kind, member)
            if found is None:
                raise BtfError(f"struct {structure} has no {'.'.join(members)}")
            total += found[0]
            kind = found[1]
        return total

    def enumerators(self, name: str) -> dict[int, str]:
        """Return the names of an enumeration's values.

        Raises:
            BtfError: There is no such enumeration.
        """
        place = self._places[self._find(ENUM, name)]
        _, info, _ = _TYPE.unpack_from(self._data, place)
        pairs = (
            _PAIR.unpack_from(self._data, place + _TYPE.size + 8 * i) for i in range(info & 0xFFFF)
        )
        return {value: self._name(at) for at, value in pairs}

    def _pass(self, place: int, end: int) -> "array[int]":
        """Return where each type's record begins; number 0 is the type ``void``, without one."""
        places = array("I", [0])
        behind = [_BYTES_BEHIND.get(kind, 0) for kind in range(32)]
        each = [_BYTES_EACH.get(kind, 0) for kind in range(32)]
        info_of = struct.Struct("<I").unpack_from
        data, append, size = self._data, places.append, _TYPE.size
        try:
            while place < end:
                append(place)
                (info,) = info_of(data, place + 4)
                kind = info >> 24 & 31
                place += size + behind[kind] + each[kind] * (info & 0xFFFF)
        except struct.error as error:
            raise BtfError("the row of types is cut short") from error
        return places

    def _find(self, kind: int, name: str) -> int:
        names = self._heap_places(name)
        for number in range(1, len(self._places)):
            at, info, _ = _TYPE.unpack_from(self._data, self._places[number])
            if at in names and info >> 24 & 31 == kind and info & 0xFFFF:
                return number
        raise BtfError(f"this kernel has no type {name}")

    def _heap_places(self, name: str) -> set[int]:
        """Return every place in the heap where exactly ``name`` begins."""
        wanted = b"\0" + name.encode() + b"\0"
        places = set()
        at = self._data.find(wanted, self._names)
        while at >= 0:
            places.add(at + 1 - self._names)
            at = self._data.find(wanted, at + 1)
        return places

    def _member(self, number: int, wanted: str) -> tuple[int, int] | None:
        """Return a member's offset in bytes and its type."""
        number, kind = self._unwrapped(number)
        if kind not in {STRUCT, UNION}:
            return None
        place = self._places[number]
        _, info, _ = _TYPE.unpack_from(self._data, place)
        for i in range(info & 0xFFFF):
            at, member, bits = _TYPE.unpack_from(self._data, place + _TYPE.size * (i + 1))
            # With bit fields about, the upper byte is a width.
            offset = (bits & 0xFFFFFF if info >> 31 else bits) // 8
            name = self._name(at)
            if name == wanted:
                return offset, member
            inner = None if name else self._member(member, wanted)
            if inner is not None:
                return offset + inner[0], inner[1]
        return None

    def _unwrapped(self, number: int) -> tuple[int, int]:
        """Return the type behind typedefs and the like, and its kind; 0 and 0 for ``void``."""
        while number:
            _, info, behind = _TYPE.unpack_from(self._data, self._places[number])
            kind = info >> 24 & 31
            if kind not in _MODIFIERS:
                return number, kind
            number = behind
        return 0, 0

    def _name(self, at: int) -> str:
        start = self._names + at
        return self._data[start : self._data.index(b"\0", start)].decode()
