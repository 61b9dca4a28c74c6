"""Rules, policies and tables that drop, reject or hand away."""

from collections.abc import Iterator

from tests.kernel.faults.case import (
    BOTH,
    COUNTED,
    IPV4,
    PING,
    TCP,
    UDP,
    WAYS,
    Case,
    Way,
    rule,
    table,
)

FORWARDED = (
    ("raw", "PREROUTING"),
    ("mangle", "PREROUTING"),
    ("mangle", "FORWARD"),
    ("filter", "FORWARD"),
    ("mangle", "POSTROUTING"),
)
ARRIVING = (("raw", "PREROUTING"), ("mangle", "INPUT"), ("filter", "INPUT"))
SENT = (("raw", "OUTPUT"), ("mangle", "OUTPUT"), ("filter", "OUTPUT"), ("mangle", "POSTROUTING"))


def cases() -> Iterator[Case]:
    """Yield every case of this kind."""
    yield from rejections()
    yield from queues()
    yield from policies()
    yield from foreign_tables()
    yield from tables_below()
    yield from drops()


def drops() -> Iterator[Case]:
    """A rule that drops, in each table and hook, on each host, in both directions."""
    for way in WAYS:
        for is_reply, sources in ((False, way.there), (True, way.back)):
            for host, source in sources.items():
                direction = "reply" if is_reply else "request"
                for name, chain in _hooks(way, host, is_reply=is_reply):
                    # Of a ping, who answers has both kinds of packet; only one comes from it.
                    words = f"{chain} -s {source} -p {_spelt(way.protocol, direction)} -j DROP"
                    put, undo = rule(host, name, words)
                    yield Case(
                        fault=f"rule in {name} {chain}, {way.name} {direction}",
                        put=put,
                        undo=undo,
                        caller=way.caller,
                        target=way.target,
                        result="dropped",
                        host=host,
                        cause=f"{name} {chain} #1",
                        shown=f"(?m)^1{COUNTED}DROP",
                    )


def _spelt(protocol: str, direction: str) -> str:
    """Return a protocol as the family calls it."""
    return f"{{{direction}}}" if protocol == "icmp" else protocol


def _hooks(way: Way, host: str, *, is_reply: bool) -> tuple[tuple[str, str], ...]:
    if host in {"node1", "node2"}:
        return FORWARDED
    sends = (host == way.server) is is_reply
    return SENT if sends else ARRIVING


def rejections() -> Iterator[Case]:
    """A rule that refuses and says so."""
    for way, host, chain, kind in (
        (TCP, "node1", "FORWARD", "tcp-reset"),
        (TCP, "web-1", "INPUT", "tcp-reset"),
        (UDP, "node1", "FORWARD", ""),
        (UDP, "udp-1", "INPUT", ""),
    ):
        how = f" --reject-with {kind}" if kind else ""
        words = f"{chain} -s {{node2}} -p {way.protocol} -j REJECT{how}"
        put, undo = rule(host, "filter", words)
        yield way.to(
            f"rule in filter {chain} rejects",
            put=put,
            undo=undo,
            result="rejected",
            host=host,
            cause=f"filter {chain} #1",
            shown=f"(?m)^1{COUNTED}REJECT",
        )


def queues() -> Iterator[Case]:
    """Packets that are handed to a program that is not there, or have too short a life."""
    for way in (TCP, UDP):
        put, undo = rule("node1", "filter", f"FORWARD -d {way.address} -j NFQUEUE")
        yield way.to(
            "NFQUEUE without a program",
            put=put,
            undo=undo,
            host="node1",
            cause="filter FORWARD #1 .* hands it to a program",
            shown=f"(?m)^1{COUNTED}NFQUEUE",
        )
        put, undo = rule("node2", "mangle", "PREROUTING -s {client} -j {ttl}-set 1")
        yield way.to(
            "rule lowers the TTL",
            put=put,
            undo=undo,
            host="node2",
            cause="(TTL|hop limit) ran out.*mangle PREROUTING #1 .* on node2 set it so low",
            shown=rf"(?m)^1{COUNTED}(TTL|HL)",
        )


def foreign_tables() -> Iterator[Case]:
    """A table of nftables that is nobody's."""
    for way in WAYS:
        for hook, host in (("prerouting", "node2"), ("forward", "node1"), ("postrouting", "node2")):
            # Neighbour discovery is ICMPv6 too.
            is_ping = way.protocol == "icmp"
            matched = "{echo} type echo-request" if is_ping else f"meta l4proto {way.protocol}"
            chain = f"type filter hook {hook} priority 5"
            put, undo = table(host, "inet fw", chain, f"{matched} counter drop")
            yield way.to(
                f"foreign nft table at {hook}",
                put=put,
                undo=undo,
                host=host,
                cause="table fw",
                shown="counter packets [1-9].* drop",
            )


def tables_below() -> Iterator[Case]:
    """A table of nftables at a hook that packets meet before any rule of IP."""
    for way in (TCP, UDP):
        to = f"{{nft}} daddr {way.address}"
        for host, name, chain in (
            ("router", "bridge below", "type filter hook forward priority 0"),
            ("node1", "netdev below", "type filter hook ingress device eth0 priority 0"),
        ):
            put, undo = table(host, name, chain, f"{to} counter drop")
            yield way.to(
                f"foreign nft table of family {name.split()[0]}",
                put=put,
                undo=undo,
                host=host,
                cause=f"no rule of IP dropped it.*table {name} of {host}",
                shown="counter packets [1-9].* drop",
            )


def policies() -> Iterator[Case]:
    """The policy of a chain."""
    for host, chain, way in (
        ("node2", "FORWARD", PING),
        ("node1", "FORWARD", PING),
        ("caller-1", "INPUT", PING),
        ("web-1", "INPUT", TCP),
        ("web-1", "OUTPUT", TCP),
        ("client", "OUTPUT", UDP),
        ("udp-1", "OUTPUT", UDP),
    ):
        yield way.to(
            f"policy of {chain} is DROP",
            put=((host, f"{{iptables}} -P {chain} DROP"),),
            undo=((host, f"{{iptables}} -P {chain} ACCEPT"),),
            host=host,
            cause=f"policy of filter {chain}",
            shown=rf"Chain {chain} \(policy DROP [1-9]",
            # A pod that takes no packet of IPv6 answers no neighbour either.
            families=BOTH if chain == "FORWARD" else (IPV4,),
        )
