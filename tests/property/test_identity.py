"""Laws of telling packets apart: any bytes may come, and NAT changes no identity."""

from hypothesis import given
from hypothesis import strategies as st

from netlab.sources.neighbour_messages import neighbour_talk
from netlab.sources.packet_identity import PacketNumbers, identify, pair_of

TYPES = st.sampled_from([b"\x08\x00", b"\x08\x00\x45", b"\x86\xdd\x60", b"\x08\x06"])
FRAMES = st.builds(lambda start, rest: bytes(12) + start + rest, TYPES, st.binary(max_size=120))


@given(FRAMES | st.binary(max_size=60))
def test_any_frame_is_looked_at_without_a_failure(frame: bytes):
    found = identify(frame)
    if found is not None:
        pair_of(found[1])
    neighbour_talk(frame)
    PacketNumbers().see(frame, 0, 0)


@given(st.binary(min_size=24, max_size=100), st.binary(min_size=12, max_size=12), st.booleans())
def test_rewritten_ends_and_checksums_leave_the_number(rest: bytes, ends: bytes, is_tcp: bool):
    size = (20 + 4 + len(rest)).to_bytes(2, "big")
    head = bytes(12) + b"\x08\x00\x45\x00" + size + b"\x12\x34\x00\x00\x40"
    head += bytes([6 if is_tcp else 17])
    before = head + bytes(2) + bytes(12) + rest
    changed = bytearray(head + b"\xff\xff" + ends + rest)
    checksum = 50 if is_tcp else 40
    changed[checksum : checksum + 2] = b"\xab\xcd"
    numbers = PacketNumbers()
    assert numbers.see(before, 0, 0)[0] == numbers.see(bytes(changed), 3, 1)[0]
