"""The program that keeps one protocol."""

import struct

from netlab.observe.filters import RETURN
from netlab.observe.protocol_filter import packets_of_protocol


def test_every_way_through_ends_in_a_return_of_nothing_or_the_snap_length():
    program = packets_of_protocol(6, 256)

    steps = [struct.unpack_from("HBBI", program, at) for at in range(0, len(program), 8)]
    returns = {i: k for i, (code, _, _, k) in enumerate(steps) if code == RETURN}
    assert sorted(returns.values()) == [0, 256]
    for i, (code, if_true, if_false, _) in enumerate(steps):
        if code != RETURN:
            assert max(i + 1 + if_true, i + 1 + if_false) < len(steps)
