"""The kernel's trace messages, put in order packet by packet."""

from netlab.sources.packet_key import PacketKey
from netlab.sources.rule_trace_messages import Header
from netlab.trace.rule_walks import split
from tests.unit.trace_samples import SOCKET, SYN, SYN_AGAIN, TABLE, hit, nodeport_walk, point

ICMP = PacketKey("icmp", 7, 1432, (8, 0, 1))


def of_bridge(key: PacketKey, number: int) -> list:
    """Return a walk whose number changes where the packet leaves the bridge's port."""
    return [
        point("node2", "pre_wire", key, SOCKET, identity=number),
        point("node2", "pre_dnat", key, SOCKET, identity=number),
        hit("node2", "FORWARD", 7, "ACCEPT", identity=number + 100, table="filter", header=None),
        point("node2", "fwd_last", key, SOCKET, identity=number + 100),
        hit("node2", "POSTROUTING", 14, "ACCEPT", identity=number + 100),
        point("node2", "post_wire", key, SOCKET, identity=number + 100),
    ]


def test_a_number_that_changes_between_bridge_and_host_is_followed_by_the_header():
    messages = of_bridge(SYN, 1)

    [walk] = split(messages, TABLE)

    assert walk.points() == ["pre_wire", "pre_dnat", "fwd_last", "post_wire"]
    assert [m.chain for m in walk.messages if not m.is_point] == ["POSTROUTING"]


def test_a_number_that_another_packet_had_before_goes_to_the_packet_of_the_header():
    stale = [point("node2", "pre_wire", SYN_AGAIN, SOCKET, identity=101)]

    other, walk = split([*stale, *of_bridge(SYN, 1)], TABLE)

    assert other.points() == ["pre_wire"]
    assert walk.points() == ["pre_wire", "pre_dnat", "fwd_last", "post_wire"]


def test_a_walk_of_the_same_number_begins_anew_at_the_first_point():
    first, second = split([*nodeport_walk(SYN), *nodeport_walk(SYN_AGAIN)], TABLE)

    assert len(first.messages) == len(second.messages)
    assert (first.entry.key.ip_id, second.entry.key.ip_id) == (SYN.ip_id, SYN_AGAIN.ip_id)


def test_what_follows_the_last_fragment_belongs_to_the_first():
    pieces = [ICMP._replace(fragment=offset, detail=()) for offset in (0, 1440, 2880)]
    whole = Header(ICMP._replace(length=3000), SOCKET, 64)
    messages = [
        step
        for number, piece in enumerate(pieces)
        for step in (
            point(
                "web", "pre_wire", piece, SOCKET, identity=number, header=Header(piece, SOCKET, 64)
            ),
            point(
                "web", "pre_dnat", piece, SOCKET, identity=number, header=Header(piece, SOCKET, 64)
            ),
        )
    ]
    messages.append(point("web", "in_last", ICMP, SOCKET, identity=2, header=whole))

    first, *others = split(messages, TABLE)

    assert first.points() == ["pre_wire", "pre_dnat", "in_last"]
    assert [walk.points() for walk in others] == [["pre_wire", "pre_dnat"]] * 2
