"""A reader of pcapng files for tests, written from the format's description and not from ours.

It is strict: lengths must agree, options must be closed, a packet's interface must be known.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path

OPTION_NAMES = {
    0x0A0D0D0A: {1: "comment", 2: "hardware", 3: "os", 4: "application"},
    1: {1: "comment", 2: "name", 3: "description", 4: "ipv4", 5: "ipv6", 6: "mac"}
    | {9: "resolution", 11: "filter"},
    5: {1: "comment", 2: "start", 3: "end", 4: "received", 5: "dropped"},
    6: {1: "comment", 2: "flags", 5: "packet_id"},
}


@dataclass
class Block:
    kind: int
    body: bytes
    options: dict[str, list[bytes]] = field(default_factory=dict)

    def texts(self, name: str) -> list[str]:
        return [value.decode() for value in self.options.get(name, [])]

    def number(self, name: str) -> int:
        return int.from_bytes(self.options[name][0], "little")


@dataclass
class Packet:
    interface: str
    time_ns: int
    content: bytes
    length: int
    comments: list[str]
    packet_id: int
    flags: int


@dataclass
class Capture:
    section: Block
    interfaces: list[Block]
    packets: list[Packet]
    names: dict[bytes, str]
    statistics: list[Block]


def read_blocks(content: bytes) -> list[Block]:
    blocks, at = [], 0
    while at < len(content):
        kind, size = struct.unpack_from("<II", content, at)
        assert size % 4 == 0, "a block is padded to 32 bits"
        assert len(content) >= at + size, "the last block is whole"
        assert struct.unpack_from("<I", content, at + size - 4) == (size,)
        blocks.append(_block(kind, content[at + 8 : at + size - 4]))
        at += size
    return blocks


def _block(kind: int, body: bytes) -> Block:
    if kind == 0x0A0D0D0A:
        assert body[:4] == b"\x4d\x3c\x2b\x1a"
        fixed = 16
    elif kind == 1:
        fixed = 8
    elif kind == 5:
        fixed = 12
    elif kind == 6:
        kept = struct.unpack_from("<I", body, 12)[0]
        fixed = 20 + (kept + 3) // 4 * 4
    else:
        fixed = len(body)
    block = Block(kind, body[:fixed])
    at, closed = fixed, fixed == len(body)
    while at < len(body):
        code, size = struct.unpack_from("<HH", body, at)
        if code == 0:
            assert at + 4 == len(body), "nothing follows the end of options"
            closed = True
            break
        value = body[at + 4 : at + 4 + size]
        block.options.setdefault(OPTION_NAMES[kind][code], []).append(value)
        at += 4 + (size + 3) // 4 * 4
    assert closed
    return block


def read_capture(content: bytes) -> Capture:
    first, *rest = read_blocks(content)
    assert first.kind == 0x0A0D0D0A
    found = Capture(first, [], [], {}, [])
    for block in rest:
        if block.kind == 1:
            assert block.options["resolution"] == [b"\x09"]
            found.interfaces.append(block)
        elif block.kind == 4:
            found.names |= _names(block.body)
        elif block.kind == 5:
            found.statistics.append(block)
        else:
            assert block.kind == 6
            found.packets.append(_packet(block, found.interfaces))
    return found


def read_file(path: Path) -> Capture:
    return read_capture(path.read_bytes())


def _packet(block: Block, interfaces: list[Block]) -> Packet:
    number, high, low, kept, length = struct.unpack_from("<5I", block.body)
    assert number < len(interfaces), "an interface is described before its packets"
    return Packet(
        interface=interfaces[number].texts("name")[0],
        time_ns=high << 32 | low,
        content=block.body[20 : 20 + kept],
        length=length,
        comments=block.texts("comment"),
        packet_id=block.number("packet_id") if "packet_id" in block.options else 0,
        flags=block.number("flags"),
    )


def _names(body: bytes) -> dict[bytes, str]:
    names, at = {}, 0
    while True:
        code, size = struct.unpack_from("<HH", body, at)
        if code == 0:
            assert at + 4 == len(body)
            return names
        address = {1: 4, 2: 16}[code]
        value = body[at + 4 : at + 4 + size]
        assert value[-1] == 0
        names[value[:address]] = value[address:-1].decode()
        at += 4 + (size + 3) // 4 * 4
