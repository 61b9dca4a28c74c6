"""NAT that is missing, too much, or somebody else's."""

from collections.abc import Iterator

from tests.kernel.faults.case import COUNTED, IPTABLES, NFTABLES, TCP, UDP, Case, Way, rule, table

REMOVE_ACCEPT = (
    "nft delete rule {nft} kube-proxy nat-postrouting handle"
    " $(nft -a list chain {nft} kube-proxy nat-postrouting"
    " | grep -m1 -oP 'accept # handle \\K[0-9]+')"
)
PORTS = {"TCP": (30100, 8080), "UDP": (30109, 9000)}
"""The Service's NodePort, and the pod's port."""


def cases() -> Iterator[Case]:
    """Yield every case of this kind."""
    for way in (TCP, UDP):
        yield from missing_masquerade(way)
        yield from foreign(way)
    yield from elsewhere()
    yield from too_much()
    yield from missing_rules()


def missing_masquerade(way: Way) -> Iterator[Case]:
    """A node that keeps the caller's address."""
    bypassed = "bypassed node2.*kept the caller's address as the source: {} .* kept kube-proxy from"
    strange = {"result": "answered by a stranger", "host": way.server}
    put, undo = rule("node2", "nat", "POSTROUTING -j ACCEPT")
    yield way.to(
        "masquerade missing",
        put=put,
        undo=undo,
        **strange,
        cause=bypassed.format("nat POSTROUTING #1"),
        shown=f"(?m)^1{COUNTED}ACCEPT",
        variants=IPTABLES,
    )
    put, undo = rule("node2", "mangle", "FORWARD -j MARK --set-mark 0")
    yield way.to(
        "mark for masquerading taken away",
        put=put,
        undo=undo,
        **strange,
        cause=bypassed.format("mangle FORWARD #1"),
        shown=f"(?m)^1{COUNTED}MARK",
    )
    yield way.to(
        "masquerade missing",
        put=(("node2", "nft insert rule {nft} kube-proxy nat-postrouting accept"),),
        undo=(("node2", REMOVE_ACCEPT),),
        **strange,
        cause=bypassed.format("kube-proxy nat-postrouting #1"),
        shown="accept # handle",
        variants=NFTABLES,
    )


def foreign(way: Way) -> Iterator[Case]:
    """DNAT by a rule that is not kube-proxy's."""
    called, real = PORTS[way.name]
    for fault, to, rest in (
        (
            "foreign DNAT to a port that nobody has",
            "{caller1_ended}:9",
            {
                "result": "answered by a stranger" if way is TCP else "refused",
                "host": "caller-1",
                "cause": "chain every in table foreign on node2, which is no rule of kube-proxy's",
            },
        ),
        (
            "foreign DNAT to an address that nobody has",
            "{nobody_ended}:80",
            {
                "host": "router",
                "cause": "node2 had put it in as the destination, by .*table foreign",
            },
        ),
    ):
        put, undo = table(
            "node2",
            "{nft} foreign",
            "type nat hook prerouting priority -110",
            f"{way.protocol} dport {called} counter dnat to {to}",
        )
        yield way.to(fault, put=put, undo=undo, shown="counter packets [1-9].*dnat to", **rest)
    words = f"PREROUTING -p {way.protocol} --dport {real} -j REDIRECT --to-ports 15001"
    put, undo = rule(way.server, "nat", words)
    yield way.to(
        "the pod's own rule redirects to a port that nobody has",
        put=put,
        undo=undo,
        result="refused",
        host=way.server,
        cause=f"nat PREROUTING #1 .* in {way.server} itself sends it to port 15001",
        shown=f"(?m)^1{COUNTED}REDIRECT",
    )


def elsewhere() -> Iterator[Case]:
    """A rule that leads a Service's callers to another server, which answers."""
    put, undo = rule("node2", "nat", "PREROUTING -p tcp --dport 30100 -j REDIRECT --to-ports 10256")
    yield TCP.to(
        "NodePort redirected to another server",
        put=put,
        undo=undo,
        result="delivered",
        host="node2",
        cause="nat PREROUTING #1 .* on node2 sent it to {node2_ended}:10256, a rule that is",
        shown=f"(?m)^1{COUNTED}REDIRECT",
    )


def too_much() -> Iterator[Case]:
    """A caller's address that is replaced though nothing of kube-proxy's asks for it."""
    for target, server in (("http://web", "web-1"), ("udp://udp:9000", "udp-1")):
        hidden = {"caller": "caller-2", "target": target, "result": "delivered", "host": server}
        put, undo = rule("node2", "nat", "POSTROUTING -j MASQUERADE")
        yield Case(
            fault="masquerade too much",
            put=put,
            undo=undo,
            **hidden,
            cause="nat POSTROUTING #1 .* on node2 replaced the source, a rule that is neither",
            shown=f"(?m)^1{COUNTED}MASQUERADE",
        )
        put, undo = rule("node2", "mangle", "PREROUTING -j MARK --set-mark 0x4000")
        yield Case(
            fault="mark for masquerading too much",
            put=put,
            undo=undo,
            **hidden,
            cause="mangle PREROUTING #1 .* on node2 marked it for masquerading",
            shown=f"(?m)^1{COUNTED}MARK",
        )
        put, undo = table(
            "node2", "{nft} hide", "type nat hook postrouting priority 90", "counter masquerade"
        )
        yield Case(
            fault="masquerade too much, in a foreign table",
            put=put,
            undo=undo,
            **hidden,
            cause="chain every in table hide on node2 replaced the source, a rule that is neither",
            shown="counter packets [1-9].*masquerade",
        )


def missing_rules() -> Iterator[Case]:
    """Rules of kube-proxy's that somebody took away."""
    words = 'PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'
    put, undo = rule("node2", "nat", words)
    lacks = "node2 lacks -A PREROUTING .*-j KUBE-SERVICES"
    for caller, target, result, host in (
        ("client", "http://node2:30100", "refused", "node2"),
        ("caller-2", "http://web", "dropped", "router"),
        ("client", "udp://node2:30109", "refused", "node2"),
    ):
        yield Case(
            fault="kube-proxy's jump deleted",
            put=undo,
            undo=put,
            caller=caller,
            target=target,
            result=result,
            host=host,
            cause=lacks,
            shown="- -A PREROUTING .*-j KUBE-SERVICES",
            variants=IPTABLES,
        )
