"""Settings of the kernel."""

from collections.abc import Iterator

from tests.kernel.faults.case import (
    BRIDGE,
    COUNTED,
    IPTABLES,
    IPV4,
    IPV6,
    TCP,
    UDP,
    Case,
    rule,
)

SETTINGS = {IPV4: "net.ipv4.ip_forward", IPV6: "net.ipv6.conf.all.forwarding"}
UNREACHABLE = "Network is unreachable"


def cases() -> Iterator[Case]:
    """Yield every case of this kind."""
    yield from forwarding()
    yield from reverse_path()
    yield from martians()
    yield from of_one_kind()


def forwarding() -> Iterator[Case]:
    """Hosts that do not forward, and packets that nobody may."""
    for way in (TCP, UDP):
        for family, setting in SETTINGS.items():
            yield way.to(
                "forwarding off",
                put=(("node2", f"sysctl -qw {setting}=0"),),
                undo=(("node2", f"sysctl -qw {setting}=1"),),
                host="node2",
                cause="forwarding is (switched )?off there",
                shown=f"{setting} = 0",
                families=(family,),
            )
        yield way.to(
            "TTL of 1",
            put=(("client", "sysctl -qw net.ipv4.ip_default_ttl=1"),),
            undo=(("client", "sysctl -qw net.ipv4.ip_default_ttl=64"),),
            host="router",
            cause="its TTL ran out",
            shown="dev",
            families=(IPV4,),
        )


def reverse_path() -> Iterator[Case]:
    """Sources that rp_filter does not let in."""
    for way in (TCP, UDP):
        for kind, value in (("strict", 1), ("loose", 2)):
            yield way.to(
                f"{kind} rp_filter and no route back",
                put=(
                    ("node2", f"sysctl -qw net.ipv4.conf.all.rp_filter={value}"),
                    ("node2", "ip route del default"),
                ),
                undo=(
                    ("node2", "ip route add default via {router} dev eth0"),
                    ("node2", "sysctl -qw net.ipv4.conf.all.rp_filter=0"),
                ),
                host="node2",
                cause="node2 has no route back to",
                shown=UNREACHABLE,
                families=(IPV4,),
            )
        yield way.to(
            "strict rp_filter and a way back by another interface",
            put=(
                ("node1", "sysctl -qw net.ipv4.conf.all.rp_filter=1"),
                ("node1", "ip route add {node2}/32 dev {veth_web}"),
            ),
            undo=(
                ("node1", "ip route del {node2}/32 dev {veth_web}"),
                ("node1", "sysctl -qw net.ipv4.conf.all.rp_filter=0"),
            ),
            host="node1",
            cause="node1 would send an answer to .* by veth.*, and strict rp_filter",
            shown="dev veth",
            families=(IPV4,),
            variants=tuple(v for v in IPTABLES if v.cni == "ptp"),
        )


def martians() -> Iterator[Case]:
    """Sources that cannot come from a wire."""
    for way in (TCP, UDP):
        for fault, source, host in (
            ("loopback", "127.0.0.5", "router"),
            ("the receiver's own", "{node2}", "node2"),
        ):
            words = f"POSTROUTING -p {way.protocol} -j SNAT --to-source {source}"
            put, undo = rule("client", "nat", words)
            yield way.to(
                f"martian: {fault} address as the source",
                put=put,
                undo=undo,
                host=host,
                cause="a martian.*client had put .* in as the source, by nat POSTROUTING #1",
                shown=f"(?m)^1{COUNTED}SNAT",
                families=(IPV4,),
            )


def of_one_kind() -> Iterator[Case]:
    """Settings that matter to one kind of call."""
    yield Case(
        fault="route_localnet off",
        put=(("node2", "sysctl -qw net.ipv4.conf.all.route_localnet=0"),),
        undo=(("node2", "sysctl -qw net.ipv4.conf.all.route_localnet=1"),),
        caller="node2",
        target="http://127.0.0.1:30100",
        result="dropped",
        host="node2",
        cause="route_localnet",
        shown="route_localnet = 0",
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
        shown="hairpin off",
        variants=BRIDGE,
    )
    yield Case(
        fault="ports of the pods isolated",
        put=(
            ("node1", "bridge link set dev {veth_web} isolated on"),
            ("node1", "bridge link set dev {veth_caller} isolated on"),
        ),
        undo=(
            ("node1", "bridge link set dev {veth_web} isolated off"),
            ("node1", "bridge link set dev {veth_caller} isolated off"),
        ),
        caller="caller-1",
        target="http://web",
        result="dropped",
        host="node1",
        cause="isolated port",
        shown="isolated on",
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
            shown=f"bridge-nf-call-{name} = 0",
            families=(family,),
            variants=BRIDGE,
        )
