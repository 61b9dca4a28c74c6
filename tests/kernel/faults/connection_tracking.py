"""Entries of connection tracking that are old, missing, or have no room."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.kernel.faults.case import COUNTED, IPTABLES, IPV4, TCP, UDP, Case, Commands, rule

PORTS = "40000 40001 40002 40003"
"""All that the client calls from for a while, so that it meets an entry made before."""
FILL = f"{sys.executable} {Path(__file__).parent / 'fill_conntrack.py'}"


def cases() -> Iterator[Case]:
    """Yield every case of this kind."""
    yield from old_entries()
    yield from untracked()
    yield from clashes()
    yield from no_room()


def old_entries() -> Iterator[Case]:
    """Entries that are older than the packet, and lead where no rule leads any more."""
    for fault, to, rest in (
        (
            "stale entry to a pod that is gone",
            "{gone_ended}:9000",
            # Where the pods share a bridge, their node looks for it.
            {"host": "", "cause": "sends .* to .*, and no pod has that address any more"},
        ),
        (
            "stale entry to a pod of another Service",
            "{caller1_ended}:9000",
            {
                "result": "refused",
                "host": "caller-1",
                "cause": "sends .* to .*, which is no endpoint of Service default/udp any more",
            },
        ),
        (
            "stale entry to a port of before",
            "{udp_ended}:9001",
            {
                "result": "refused",
                "host": "udp-1",
                "cause": "sends .* to .*, which is no endpoint of Service default/udp any more",
            },
        ),
        (
            "stale entry from before the Service",
            "",
            {
                "result": "refused",
                "host": "node2",
                "cause": "connection tracking on node2, older than this packet, has no NAT for",
            },
        ),
    ):
        put, undo = _entries(to)
        yield UDP.to(fault, put=put, undo=undo, shown="client:4000[0-3] → node2:30109", **rest)


def _entries(to: str) -> tuple[Commands, Commands]:
    nat = f" --dst-nat {to}" if to else ""
    made = (
        "conntrack -I -p udp -s {client} -d {node2} --sport $port --dport 30109"
        f"{nat} -r {{node2}} -q {{client}} --reply-port-src 30109 --reply-port-dst $port -t 120"
        " -u SEEN_REPLY"
    )
    put = (
        ("client", f"sysctl -qw net.ipv4.ip_local_port_range='{PORTS[:5]} {PORTS[-5:]}'"),
        ("node2", f"conntrack -F; for port in {PORTS}; do {made}; done"),
    )
    undo = (
        ("node2", "conntrack -F"),
        ("client", "sysctl -qw net.ipv4.ip_local_port_range='32768 60999'"),
    )
    return put, undo


def untracked() -> Iterator[Case]:
    """Packets that a rule keeps out of connection tracking."""
    for way, port in ((TCP, 30100), (UDP, 30109)):
        put, undo = rule("node2", "raw", f"PREROUTING -p {way.protocol} --dport {port} -j NOTRACK")
        yield way.to(
            "rule keeps the request out of connection tracking",
            put=put,
            undo=undo,
            result="refused",
            host="node2",
            cause="raw PREROUTING #1 .* on node2 keeps it out of connection tracking",
            shown=f"(?m)^1{COUNTED}(CT|NOTRACK)",
            variants=IPTABLES,
        )
        put, undo = rule("node2", "raw", f"PREROUTING -s {way.address} -j NOTRACK")
        yield way.to(
            "rule keeps the reply out of connection tracking",
            put=put,
            undo=undo,
            result="reply astray",
            host="node2",
            cause="raw PREROUTING #1 .* there keeps the reply from the entry",
            shown=f"(?m)^1{COUNTED}(CT|NOTRACK)",
        )


def clashes() -> Iterator[Case]:
    """A rule that rewrites to what another connection has."""
    put, undo = rule("node2", "nat", "POSTROUTING -p udp --dport 9000 -j SNAT --to-source {to}")
    other = (
        "conntrack -I -p udp -s {udp} -d {node2} --sport 9000 --dport 5000 -r {node2} -q {udp}"
        " --reply-port-src 5000 --reply-port-dst 9000 -t 120 -u SEEN_REPLY"
    )
    to = "{node2_ended}:5000"
    yield UDP.to(
        "source port that another connection has",
        put=(("node2", other), *((host, words.replace("{to}", to)) for host, words in put)),
        undo=(
            *((host, words.replace("{to}", to)) for host, words in undo),
            ("node2", "conntrack -F"),
        ),
        host="node2",
        cause="nat POSTROUTING #1 .* made .*:5000 of .*, and another connection on node2 has",
        shown="udp .*node2:5000",
        # In nftables mode kube-proxy's own hook comes first, and its source port is free.
        variants=IPTABLES,
        families=(IPV4,),
    )


def no_room() -> Iterator[Case]:
    """A table that has no room for a new entry."""
    for way in (TCP, UDP):
        yield way.to(
            "table of connection tracking full",
            put=(("node2", FILL),),
            undo=(("node2", "conntrack -F"),),
            host="node2",
            cause="table of connection tracking on node2 is full",
            # Some entries end before the command is run.
            shown=r"nf_conntrack_count = (\d\d\d)\d+\s+net.netfilter.nf_conntrack_max = \1",
        )
