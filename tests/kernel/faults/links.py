"""Links, neighbours, sizes, and what loses frames on the way."""

from collections.abc import Iterator

from tests.kernel.faults.case import COUNTED, IPV4, PING, PTP, TCP, UDP, Case, Commands, rule

SAVE_ROUTES = (
    "sysctl -qw net.ipv6.conf.eth0.keep_addr_on_down=1; "
    "for v in 4 6; do ip -$v route > {run}-routes-$v; done"
)
"""Routes go with their interface, and addresses of IPv6 would."""
RESTORE_ROUTES = (
    "for again in 1 2; do for v in 4 6; do while read -r route; do"
    " ip -$v route replace $route 2>/dev/null; done < {run}-routes-$v; done; done"
)
WRONG_NEIGHBOUR = "{ip} neigh replace {node1} lladdr 02:00:00:00:00:01"
WRONG_MAC = "lladdr 02:00:00:00:00:07 nud permanent"
TO_LB = "bridge fdb replace $(cat {run}-mac)"
LB_AS_NEIGHBOUR = "{ip} neigh replace {node1} lladdr $(cat {run}-mac)"
LOSS = (
    "tc qdisc add dev {0} root netem loss 100% 2>/dev/null"
    " || tc qdisc add dev {0} root pfifo limit 0"
)
"""Kernels without netem have a queue that has room for nothing; both say QDISC_DROP."""
FRESH_NEIGHBOURS = (
    ("node1", "ping -c 1 -W 1 {node2} > /dev/null"),
    ("client", "ping -c 1 -W 1 {node2} > /dev/null"),
)
REFUSE = "protocol ip bpf da bytecode '1,6 0 0 2'"
"""A filter of tc whose only instruction returns TC_ACT_SHOT."""


def cases() -> Iterator[Case]:
    """Yield every case of this kind."""
    yield from neighbours()
    yield from down()
    yield from lost_addresses()
    yield from loss()
    yield from sizes()


def neighbours() -> Iterator[Case]:
    """Whom a frame is for."""
    for way, veth in ((TCP, "{veth_web}"), (UDP, "{veth_udp}")):
        yield way.to(
            "wrong neighbour entry of the other node",
            put=(("node2", f"{WRONG_NEIGHBOUR} dev eth0 nud permanent"),),
            undo=(("node2", "{ip} neigh del {node1} dev eth0"),),
            host="",
            cause="node2 has a wrong MAC address for",
            shown="lladdr 02:00:00:00:00:01",
        )
        yield way.to(
            "neighbour entry of the other node with the balancer's MAC address",
            put=(
                ("lb", "cat /sys/class/net/eth0/address > {run}-mac"),
                ("node2", f"{LB_AS_NEIGHBOUR} dev eth0 nud permanent"),
            ),
            undo=(("node2", "{ip} neigh del {node1} dev eth0"),),
            host="router",
            cause="node2 has the MAC address of lb for",
            shown="PERMANENT",
        )
        yield way.to(
            "bridge sends the other node's frames to another port",
            put=(
                ("node1", "cat /sys/class/net/eth0/address > {run}-mac"),
                ("router", f"{TO_LB} dev p-lb master static sticky"),
            ),
            undo=(
                ("router", "bridge fdb del $(cat {run}-mac) dev p-lb master || true"),
                ("node1", "ping -c 1 -W 1 {router} > /dev/null || true"),
            ),
            host="",
            cause="router did not send it out to node1",
            shown="dev p-lb .*static",
        )
        yield way.to(
            "wrong neighbour entry of the pod",
            put=(("node1", f"{{ip}} neigh replace {way.address} {WRONG_MAC} dev {veth}"),),
            undo=(("node1", f"{{ip}} neigh del {way.address} dev {veth}"),),
            host="",
            cause=f"node1 has a wrong MAC address for .* .{way.server}. in its table",
            shown="lladdr 02:00:00:00:00:07",
            variants=PTP,
        )
        yield way.to(
            "ARP off at the pod",
            put=(
                (way.server, "ip link set eth0 arp off"),
                ("node1", f"ip neigh del {way.address} dev {veth} || true"),
            ),
            undo=((way.server, "ip link set eth0 arp on"),),
            host="node1",
            cause=f"eth0 of {way.server} is set not to ask and not to answer",
            shown="NOARP",
            families=(IPV4,),
            variants=PTP,
        )


def down() -> Iterator[Case]:
    """Ends of links that are down."""
    for way in (TCP, UDP):
        yield way.to(
            "port of the cloud's bridge down",
            put=(("router", "ip link set p-node1 down"),),
            undo=(("router", "ip link set p-node1 up"),),
            host="",
            cause="eth0 of node1 has no carrier",
            shown="NO-CARRIER",
        )
        yield way.to(
            "pod's interface down",
            put=((way.server, f"{SAVE_ROUTES}; ip link set eth0 down"),),
            undo=((way.server, f"ip link set eth0 up; {RESTORE_ROUTES}"),),
            host="node1",
            cause=f"eth0 of {way.server} is down|has no carrier",
            shown="state DOWN|NO-CARRIER",
            families=(IPV4,),
            timeout_s=1.5,
        )


def lost_addresses() -> Iterator[Case]:
    """A pod whose interface has lost its address."""
    for way in (TCP, UDP):
        address = f"{way.address}/{{bits}} dev eth0"
        yield way.to(
            "address of the pod deleted",
            put=((way.server, f"{SAVE_ROUTES}; ip address del {address}"),),
            undo=((way.server, f"ip address add {address}; {RESTORE_ROUTES}"),),
            # It is the node's where the pod was asked for its MAC address meanwhile.
            host="",
            cause=f"is to be an address of {way.server}, and no interface there has it any more",
            shown="eth0",
            families=(IPV4,),
            variants=PTP,
        )


def loss() -> Iterator[Case]:
    """Queues and filters of traffic control, and a rule that takes every other packet."""
    for way, veth in ((TCP, "{veth_web}"), (UDP, "{veth_udp}")):
        for fault, host, ifname, cause in (
            ("all frames lost in a queue on the way back", "node1", "eth0", "answered, but .*"),
            ("all frames lost in a queue", "node1", veth, ""),
            ("all frames lost in the caller's own queue", "client", "eth0", ""),
        ):
            yield way.to(
                fault,
                # A host without a fresh entry of its neighbour would ask first, in vain.
                put=(*FRESH_NEIGHBOURS, (host, LOSS.format(ifname))),
                undo=((host, f"tc qdisc del dev {ifname} root"),),
                host=host,
                cause=f"{cause}the queue of {ifname} threw it away",
                shown=r"dropped [1-9]",
                # It would keep neighbour discovery from its answers too.
                families=(IPV4,),
            )
        for host, ifname, direction, cause in (
            ("node1", veth, "egress", ""),
            ("node1", veth, "ingress", "answered, but .*"),
            ("client", "eth0", "egress", ""),
        ):
            yield way.to(
                f"filter of tc at {direction}",
                put=_filter(host, ifname, direction),
                undo=((host, f"tc qdisc del dev {ifname} clsact"),),
                host=host,
                cause=f"{cause}traffic control filter at {ifname}.*\\({direction}\\)",
                shown="direct-action",
                families=(IPV4,),
            )
    yield PING.to(
        "filter of tc at ingress",
        put=_filter("node2", "eth0", "ingress"),
        undo=(("node2", "tc qdisc del dev eth0 clsact"),),
        host="node2",
        cause="answered, but .*traffic control filter at eth0.*\\(ingress\\)",
        shown="direct-action",
        families=(IPV4,),
    )
    every_other = "-m statistic --mode nth --every 2 --packet 0"
    put, undo = rule("node1", "filter", f"FORWARD -d {{web}} {every_other} -j DROP")
    yield TCP.to(
        "every other packet lost",
        put=put,
        undo=undo,
        result="delivered",
        host="web-1",
        cause="attempt 1 was dropped on node1 by filter FORWARD #1",
        shown=f"(?m)^1{COUNTED}DROP",
        timeout_s=3,
    )


def _filter(host: str, ifname: str, direction: str) -> Commands:
    return (
        (host, f"tc qdisc add dev {ifname} clsact"),
        (host, f"tc filter add dev {ifname} {direction} {REFUSE}"),
    )


def sizes() -> Iterator[Case]:
    """Packets that are larger than a link takes, with and without Don't Fragment."""
    small = (("router", "ip link set p-node2 mtu 1280"),)
    back = (
        ("router", "ip link set p-node2 mtu 1460"),
        ("client", "{ip} route flush cache"),
    )
    yield UDP.to(
        "MTU too small for a packet with Don't Fragment",
        put=small,
        undo=back,
        payload=1400,
        host="router",
        cause="bytes are more than the MTU of cloud0 on router .1280.",
        shown="mtu 1280",
    )
    yield UDP.to(
        "MTU too small for a packet without Don't Fragment, which is cut",
        put=(*small, ("client", "sysctl -qw net.ipv4.ip_no_pmtu_disc=1")),
        undo=(*back, ("client", "sysctl -qw net.ipv4.ip_no_pmtu_disc=0")),
        payload=1400,
        result="delivered",
        host="udp-1",
        cause="delivered to udp-1",
        families=(IPV4,),
    )
    yield UDP.to(
        "MTU of one end of a link too small",
        put=(("node2", "ip link set eth0 mtu 1280"),),
        undo=(("node2", "ip link set eth0 mtu 1460"),),
        payload=1400,
        host="router",
        cause="larger than the MTU of eth0 of node2 .1280.",
        shown="mtu 1280",
    )
    yield PING.to(
        "MTU too small for a packet with Don't Fragment",
        put=(("node2", "ip link set eth0 mtu 1280"),),
        undo=(("node2", "ip link set eth0 mtu 1460"), ("caller-2", "{ip} route flush cache")),
        payload=1400,
        host="node2",
        cause="bytes are more than the MTU of eth0 on node2 .1280.",
        shown="mtu 1280",
    )
