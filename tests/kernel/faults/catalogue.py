"""Faults whose cause is known because they are put there, and what a trace has to say of them.

A command is run in a host's namespace. ``{web}``, ``{node1}`` and the like stand for addresses of
the family that is tried, ``{veth_web}`` for the node's end of the pod's link, ``{iptables}`` and
``{ip}`` for the programs of the family.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.kernel.faults.topology import VARIANTS, Variant

IPV4, IPV6 = 4, 6
SAVE_ROUTES = (
    "sysctl -qw net.ipv6.conf.eth0.keep_addr_on_down=1; "
    "for v in 4 6; do ip -$v route > /run/faults-routes-$v; done"
)
"""Routes go with their interface, and addresses of IPv6 would."""
REMOVE_ACCEPT = (
    "nft delete rule {nft} kube-proxy nat-postrouting handle"
    " $(nft -a list chain {nft} kube-proxy nat-postrouting"
    " | grep -m1 -oP 'accept # handle \\K[0-9]+')"
)
WRONG_NEIGHBOUR = "{ip} neigh replace {node1} lladdr 02:00:00:00:00:01"
RESTORE_ROUTES = (
    "for again in 1 2; do for v in 4 6; do while read -r route; do"
    " ip -$v route replace $route 2>/dev/null; done < /run/faults-routes-$v; done; done"
)
BOTH = (IPV4, IPV6)
ANY = tuple(VARIANTS)
IPTABLES = tuple(v for v in VARIANTS if v.mode == "iptables")
NFTABLES = tuple(v for v in VARIANTS if v.mode == "nftables")
BRIDGE = tuple(v for v in VARIANTS if v.cni == "bridge")
PTP = tuple(v for v in VARIANTS if v.cni == "ptp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fault, one call, and what is true of it."""

    fault: str
    """In words, for the table of results."""
    put: tuple[tuple[str, str], ...]
    """Host and command."""
    undo: tuple[tuple[str, str], ...] = ()
    caller: str
    target: str
    result: str
    """As JSON has it."""
    host: str
    """Where it ended."""
    cause: str
    """A regular expression that the words and the cause together must match."""
    families: tuple[int, ...] = BOTH
    variants: tuple[Variant, ...] = ANY
    payload: int | None = None
    timeout_s: float = 0.4

    @property
    def where(self) -> str:
        """Where it is put, or who calls."""
        return self.put[0][0] if self.put else f"{self.caller} calls {self.target}"


@dataclass(frozen=True, slots=True)
class Way:
    """A call, and the address its packets have as their source at each host of the way."""

    name: str
    caller: str
    target: str
    protocol: str
    server: str
    there: dict[str, str] = field(default_factory=dict)
    back: dict[str, str] = field(default_factory=dict)


TCP = Way(
    "TCP", "client", "http://node2:30100", "tcp", "web-1",
    {"client": "{client}", "node2": "{client}", "node1": "{node2}", "web-1": "{node2}"},
    {"web-1": "{web}", "node1": "{web}", "node2": "{web}", "client": "{node2}"},
)  # fmt: skip
UDP = Way(
    "UDP", "client", "udp://node2:30109", "udp", "udp-1",
    {"client": "{client}", "node2": "{client}", "node1": "{node2}", "udp-1": "{node2}"},
    {"udp-1": "{udp}", "node1": "{udp}", "node2": "{udp}", "client": "{node2}"},
)  # fmt: skip
PING = Way(
    "ICMP", "caller-2", "icmp://caller-1", "icmp", "caller-1",
    {"caller-2": "{caller2}", "node2": "{caller2}", "node1": "{caller2}", "caller-1": "{caller2}"},
    {"caller-1": "{caller1}", "node1": "{caller1}", "node2": "{caller1}", "caller-2": "{caller1}"},
)  # fmt: skip
WAYS = (TCP, UDP, PING)

FORWARDED = (
    ("raw", "PREROUTING"),
    ("mangle", "PREROUTING"),
    ("mangle", "FORWARD"),
    ("filter", "FORWARD"),
    ("mangle", "POSTROUTING"),
)
ARRIVING = (("raw", "PREROUTING"), ("mangle", "INPUT"), ("filter", "INPUT"))
SENT = (("raw", "OUTPUT"), ("mangle", "OUTPUT"), ("filter", "OUTPUT"), ("mangle", "POSTROUTING"))


def _spelt(protocol: str, direction: str) -> str:
    """Return a protocol as the family calls it."""
    return f"{{{direction}}}" if protocol == "icmp" else protocol


def _hooks(way: Way, host: str, *, is_reply: bool) -> tuple[tuple[str, str], ...]:
    if host in {"node1", "node2"}:
        return FORWARDED
    sends = (host == way.server) is is_reply
    return SENT if sends else ARRIVING


def rules() -> Iterator[Case]:
    """A rule that drops, in each table and hook, on each host, in both directions."""
    for way in WAYS:
        for is_reply, sources in ((False, way.there), (True, way.back)):
            for host, source in sources.items():
                direction = "reply" if is_reply else "request"
                for table, chain in _hooks(way, host, is_reply=is_reply):
                    # Of a ping, who answers has both kinds of packet; only one comes from it.
                    rule = f"{chain} -s {source} -p {_spelt(way.protocol, direction)} -j DROP"
                    yield Case(
                        fault=f"rule in {table} {chain}, {way.name} {direction}",
                        put=((host, f"{{iptables}} -t {table} -I {rule}"),),
                        undo=((host, f"{{iptables}} -t {table} -D {rule}"),),
                        caller=way.caller,
                        target=way.target,
                        result="dropped",
                        host=host,
                        cause=f"{table} {chain} #1",
                    )


def foreign_tables() -> Iterator[Case]:
    """A table of nftables that is nobody's."""
    for way in WAYS:
        for hook, host in (("prerouting", "node2"), ("forward", "node1"), ("postrouting", "node2")):
            # Neighbour discovery is ICMPv6 too.
            is_ping = way.protocol == "icmp"
            matched = "{echo} type echo-request" if is_ping else f"meta l4proto {way.protocol}"
            chain = f"'{{{{ type filter hook {hook} priority 5; policy accept; }}}}'"
            yield Case(
                fault=f"foreign nft table at {hook}, {way.name}",
                put=(
                    (host, "nft add table inet fw"),
                    (host, f"nft add chain inet fw every {chain}"),
                    (host, f"nft add rule inet fw every {matched} drop"),
                ),
                undo=((host, "nft delete table inet fw"),),
                caller=way.caller,
                target=way.target,
                result="dropped",
                host=host,
                cause="table fw",
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
        yield Case(
            fault=f"policy of {chain} is DROP, {way.name}",
            put=((host, f"{{iptables}} -P {chain} DROP"),),
            undo=((host, f"{{iptables}} -P {chain} ACCEPT"),),
            caller=way.caller,
            target=way.target,
            result="dropped",
            host=host,
            cause=f"policy of filter {chain}",
            # A pod that takes no packet of IPv6 answers no neighbour either.
            families=BOTH if chain == "FORWARD" else (IPV4,),
        )


def routes() -> Iterator[Case]:
    """Routes that are missing, or lead nowhere."""
    for way, server in ((TCP, "{web}"), (UDP, "{udp}")):
        one = f"{server}/{{bits}}"
        for kind in ("blackhole", "prohibit", "unreachable"):
            yield Case(
                fault=f"{kind} route to the pod, {way.name}",
                put=(("node2", f"{{ip}} route add {kind} {one}"),),
                undo=(("node2", f"{{ip}} route del {kind} {one}"),),
                caller=way.caller,
                target=way.target,
                result="dropped",
                host="node2",
                cause=f"{kind} route",
            )
            back = "{node2}/{bits}"
            yield Case(
                fault=f"{kind} route back, {way.name}",
                put=(("node1", f"{{ip}} route add {kind} {back}"),),
                undo=(("node1", f"{{ip}} route del {kind} {back}"),),
                caller=way.caller,
                target=way.target,
                result="dropped",
                host="node1",
                cause=f"answered, but the reply .*{kind} route",
            )
        yield Case(
            fault=f"route to the pods of another node missing, {way.name}",
            put=(("node2", "{ip} route del {pods1} via {node1}"),),
            undo=(("node2", "{ip} route add {pods1} via {node1} dev eth0"),),
            caller=way.caller,
            target=way.target,
            result="dropped",
            host="router",
            cause="node2 has no route to",
        )
        yield Case(
            fault=f"pod without a way back, {way.name}",
            put=((way.server, "{ip} route del default"),),
            undo=((way.server, "{ip} route add default via {gateway1} dev eth0"),),
            caller=way.caller,
            target=way.target,
            result="unanswered",
            host=way.server,
            cause=f"{way.server} has no route back to",
        )
    for kind in ("blackhole", "prohibit", "unreachable"):
        yield Case(
            fault=f"{kind} route, met again after DNAT in OUTPUT",
            put=(("node2", f"{{ip}} route add {kind} {{web}}/{{bits}}"),),
            undo=(("node2", f"{{ip}} route del {kind} {{web}}/{{bits}}"),),
            caller="node2",
            target="http://web",
            result="dropped",
            host="node2",
            cause=f"{kind} route",
        )
    yield Case(
        fault="route to the pods missing, the node's own call",
        put=(("node2", "{ip} route del {pods1} via {node1}"),),
        undo=(("node2", "{ip} route add {pods1} via {node1} dev eth0"),),
        caller="node2",
        target="http://web",
        result="dropped",
        host="router",
        cause="node2 has no route to",
    )
    yield Case(
        fault="default route of a pod missing",
        put=(("caller-2", "{ip} route del default"),),
        undo=(("caller-2", "{ip} route add default via {gateway2} dev eth0"),),
        caller="caller-2",
        target="http://web",
        result="never sent",
        host="caller-2",
        cause="no route",
    )


def links() -> Iterator[Case]:
    """Links, neighbours and queues."""
    for way, veth in ((TCP, "{veth_web}"), (UDP, "{veth_udp}")):
        yield Case(
            fault=f"wrong neighbour entry of the other node, {way.name}",
            put=(
                (
                    "node2",
                    f"{WRONG_NEIGHBOUR} dev eth0 nud permanent",
                ),
            ),
            undo=(("node2", "{ip} neigh del {node1} dev eth0"),),
            caller=way.caller,
            target=way.target,
            result="dropped",
            host="",
            cause="node2 has a wrong MAC address for",
        )
        yield Case(
            fault=f"port of the cloud's bridge down, {way.name}",
            put=(("router", "ip link set p-node1 down"),),
            undo=(("router", "ip link set p-node1 up"),),
            caller=way.caller,
            target=way.target,
            result="dropped",
            host="",
            cause="eth0 of node1 has no carrier",
        )
        yield Case(
            fault=f"pod's interface down, {way.name}",
            put=((way.server, f"{SAVE_ROUTES}; ip link set eth0 down"),),
            undo=((way.server, f"ip link set eth0 up; {RESTORE_ROUTES}"),),
            caller=way.caller,
            target=way.target,
            result="dropped",
            host="node1",
            cause="down|no carrier|answers for",
            families=(IPV4,),
            timeout_s=1.5,
        )
        yield Case(
            fault=f"all frames lost by tc on the way back, {way.name}",
            put=(("node1", "tc qdisc add dev eth0 root pfifo limit 0"),),
            undo=(("node1", "tc qdisc del dev eth0 root"),),
            caller=way.caller,
            target=way.target,
            result="dropped",
            host="node1",
            cause="answered, but the reply .*queue of eth0",
            families=(IPV4,),
        )
        yield Case(
            fault=f"all frames lost by tc, {way.name}",
            put=(("node1", f"tc qdisc add dev {veth} root pfifo limit 0"),),
            undo=(("node1", f"tc qdisc del dev {veth} root"),),
            caller=way.caller,
            target=way.target,
            result="dropped",
            host="node1",
            cause="queue of",
        )
    yield Case(
        fault="MTU too small, a large datagram",
        put=(("node2", "ip link set eth0 mtu 1280"),),
        undo=(("node2", "ip link set eth0 mtu 1460"),),
        caller="client",
        target="udp://node2:30109",
        payload=1400,
        result="dropped",
        host="",
        cause="MTU|too big|larger",
        timeout_s=0.4,
    )


def settings() -> Iterator[Case]:
    """Settings of the kernel."""
    for way in (TCP, UDP):
        for family, off, on in (
            (IPV4, "sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1"),
            (
                IPV6,
                "sysctl -qw net.ipv6.conf.all.forwarding=0",
                "sysctl -qw net.ipv6.conf.all.forwarding=1",
            ),
        ):
            yield Case(
                fault=f"forwarding off, {way.name}",
                put=(("node2", off),),
                undo=(("node2", on),),
                caller=way.caller,
                target=way.target,
                result="dropped",
                host="node2",
                cause="forwarding is off|does not forward",
                families=(family,),
            )
        yield Case(
            fault=f"TTL of 1, {way.name}",
            put=(("client", "sysctl -qw net.ipv4.ip_default_ttl=1"),),
            undo=(("client", "sysctl -qw net.ipv4.ip_default_ttl=64"),),
            caller=way.caller,
            target=way.target,
            result="dropped",
            host="router",
            cause="TTL",
            families=(IPV4,),
        )
        for kind, value in (("strict", 1), ("loose", 2)):
            yield Case(
                fault=f"{kind} rp_filter and no route back, {way.name}",
                put=(
                    ("node2", f"sysctl -qw net.ipv4.conf.all.rp_filter={value}"),
                    ("node2", "ip route del default"),
                ),
                undo=(
                    ("node2", "ip route add default via {router} dev eth0"),
                    ("node2", "sysctl -qw net.ipv4.conf.all.rp_filter=0"),
                ),
                caller=way.caller,
                target=way.target,
                result="dropped",
                host="node2",
                cause="no route back to|no route to",
                families=(IPV4,),
            )
    yield Case(
        fault="route_localnet off",
        put=(("node2", "sysctl -qw net.ipv4.conf.all.route_localnet=0"),),
        undo=(("node2", "sysctl -qw net.ipv4.conf.all.route_localnet=1"),),
        caller="node2",
        target="http://127.0.0.1:30100",
        result="dropped",
        host="node2",
        cause="route_localnet",
        families=(IPV4,),
        variants=IPTABLES,
    )
    yield Case(
        fault="hairpin off",
        put=(("node1", "bridge link set dev {veth_web} hairpin off"),),
        undo=(("node1", "bridge link set dev {veth_web} hairpin on"),),
        caller="web-1",
        target="http://web",
        result="dropped",
        host="node1",
        cause="hairpin",
        variants=BRIDGE,
    )
    for family, name in ((IPV4, "iptables"), (IPV6, "ip6tables")):
        yield Case(
            fault="bridge-nf-call off",
            put=(("node1", f"sysctl -qw net.bridge.bridge-nf-call-{name}=0"),),
            undo=(("node1", f"sysctl -qw net.bridge.bridge-nf-call-{name}=1"),),
            caller="caller-1",
            target="http://web",
            result="answered by a stranger",
            host="web-1",
            cause=f"bridged on node1.*bridge-nf-call-{name}",
            families=(family,),
            variants=BRIDGE,
        )


def nat() -> Iterator[Case]:
    """NAT that is missing, or too much."""
    for way in (TCP, UDP):
        yield Case(
            fault=f"masquerade missing, {way.name}",
            put=(("node2", "{iptables} -t nat -I POSTROUTING -j ACCEPT"),),
            undo=(("node2", "{iptables} -t nat -D POSTROUTING -j ACCEPT"),),
            caller=way.caller,
            target=way.target,
            result="answered by a stranger",
            host=way.server,
            cause="bypassed node2.*kept the caller's address",
            variants=IPTABLES,
        )
        yield Case(
            fault=f"masquerade missing, {way.name}",
            put=(("node2", "nft insert rule {nft} kube-proxy nat-postrouting accept"),),
            undo=(("node2", REMOVE_ACCEPT),),
            caller=way.caller,
            target=way.target,
            result="answered by a stranger",
            host=way.server,
            cause="bypassed node2.*kept the caller's address",
            variants=NFTABLES,
        )


def services() -> Iterator[Case]:
    """Services that are not as their callers think; nothing is put into the kernel."""
    found = (
        ("Service without endpoints", "client tcp://node2:30103", "rejected node2", "no endpoint"),
        ("Service without endpoints", "caller-1 tcp://empty", "rejected node1", "no endpoint"),
        (
            "externalTrafficPolicy Local, node without the pod",
            "client tcp://node2:30101",
            "dropped node2",
            "externalTrafficPolicy Local sends callers from outside",
        ),
        *(
            (
                "internalTrafficPolicy Local, node without the pod",
                f"{caller} tcp://inside",
                "dropped node2",
                "internalTrafficPolicy Local sends a caller inside",
            )
            for caller in ("caller-2", "node2")
        ),
        *(
            (
                "DNAT to a port that nobody has",
                call,
                "refused web-1",
                "port 8099 .targetPort of Service default/wrongport",
            )
            for call in ("client tcp://node2:30102", "caller-2 tcp://wrongport")
        ),
        ("port that nobody has", "client tcp://node1:9", "refused node1", "nothing there listens"),
        ("port that nobody has", "client udp://node1:9", "refused node1", "nothing there listens"),
        (
            "NodePort by another protocol",
            "client udp://node1:30100",
            "refused node1",
            "this NodePort for TCP only",
        ),
        ("ClusterIP from outside", "client tcp://web:80", "dropped router", "outside the cluster"),
        ("nothing", "client http://node2:30100", "delivered web-1", "delivered to web-1"),
        ("nothing", "client udp://node2:30109", "delivered udp-1", "delivered to udp-1"),
        ("nothing", "web-1 http://web", "delivered web-1", "delivered to web-1"),
        ("nothing", "caller-2 icmp://caller-1", "delivered caller-1", "delivered to caller-1"),
    )
    for fault, call, end, cause in found:
        yield _found(fault, call, end, cause)
    for caller in ("caller-2", "node2"):
        for fault, target, cause in (
            ("port that a Service has not", "tcp://web:81", "Service default/web has 80/TCP only"),
            (
                "protocol that a Service has not",
                "udp://web:80",
                "Service default/web has 80/TCP only",
            ),
            ("ping of a ClusterIP", "icmp://web", "a ping has no port"),
        ):
            call = f"{caller} {target}"
            yield _found(fault, call, "dropped router", cause, IPTABLES)
            yield _found(fault, call, "rejected node2", cause, NFTABLES)


def _found(
    fault: str, call: str, end: str, cause: str, variants: tuple[Variant, ...] = ANY
) -> Case:
    caller, _, target = call.partition(" ")
    result, _, host = end.partition(" ")
    return Case(
        fault=fault,
        put=(),
        caller=caller,
        target=target,
        result=result,
        host=host,
        cause=cause,
        variants=variants,
    )


def cases() -> list[Case]:
    """Return every case, in a stable order."""
    kinds = (services, settings, nat, routes, links, policies, foreign_tables, rules)
    return [case for kind in kinds for case in kind()]
