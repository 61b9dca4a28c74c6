"""Offsets and names out of a BTF written by hand."""

import struct

import pytest

from netlab.linux.bpf.btf import MAGIC, STRUCT, UNION, Btf, BtfError

INT, ENUM, TYPEDEF, CONST = 1, 6, 8, 10
BIT_FIELDS = 1 << 31


class Blob:
    """Types in a row, numbered from 1, and their names."""

    def __init__(self) -> None:
        self.names = b"\0"
        self.types = b""

    def name(self, text: str) -> int:
        if not text:
            return 0
        place = len(self.names)
        self.names += text.encode() + b"\0"
        return place

    def add(self, name: str, kind: int, count: int, size: int, behind: bytes = b"", flag: int = 0):
        info = kind << 24 | count | flag
        self.types += struct.pack("<III", self.name(name), info, size) + behind

    def members(self, *members: tuple[str, int, int]) -> bytes:
        return b"".join(struct.pack("<III", self.name(n), kind, bits) for n, kind, bits in members)

    def data(self) -> bytes:
        sizes = 0, len(self.types), len(self.types), len(self.names)
        return struct.pack("<HBBI4I", MAGIC, 1, 0, 24, *sizes) + self.types + self.names


@pytest.fixture(scope="module")
def btf() -> Btf:
    blob = Blob()
    blob.add("u32", INT, 0, 4, bytes(4))  # 1
    blob.add("inner", STRUCT, 2, 8, blob.members(("a", 1, 0), ("inum", 1, 32)))  # 2
    blob.add("alias", TYPEDEF, 0, 2)  # 3
    blob.add("", CONST, 0, 3)  # 4
    blob.add("", UNION, 1, 8, blob.members(("hidden", 4, 0)))  # 5
    outer = blob.members(("first", 1, 0), ("", 5, 64), ("bits", 1, 4 << 24 | 128))
    blob.add("outer", STRUCT, 3, 24, outer, BIT_FIELDS)  # 6
    blob.add("outer_twin", STRUCT, 0, 0)  # 7
    values = b"".join(struct.pack("<Ii", blob.name(n), v) for n, v in (("ZERO", 0), ("TWO", 2)))
    blob.add("numbers", ENUM, 2, 4, values)  # 8
    return Btf(blob.data())


@pytest.mark.parametrize(
    ("path", "offset"),
    [
        pytest.param(("inner", "inum"), 4, id="a member"),
        pytest.param(("outer", "hidden"), 8, id="a member of an unnamed union"),
        pytest.param(("outer", "hidden", "inum"), 12, id="behind a typedef and const"),
        pytest.param(("outer", "bits"), 16, id="a bit field, whose width is no offset"),
    ],
)
def test_a_member_lies_where_the_kernel_says(btf: Btf, path: tuple[str, ...], offset: int):
    assert btf.offset(*path) == offset


def test_an_enumeration_has_its_names_by_number(btf: Btf):
    assert btf.enumerators("numbers") == {0: "ZERO", 2: "TWO"}


@pytest.mark.parametrize("path", [("inner", "none"), ("none", "a"), ("outer", "first", "a")])
def test_what_is_not_there_is_said(btf: Btf, path: tuple[str, ...]):
    with pytest.raises(BtfError, match=r"has no"):
        btf.offset(*path)


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF" + bytes(40), struct.pack("<HBBI4I", MAGIC, 1, 0, 24, 0, 12, 12, 0)]
)
def test_what_is_no_btf_is_said(data: bytes):
    with pytest.raises(BtfError):
        Btf(data)
