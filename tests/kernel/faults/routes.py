"""Routes that are missing, lead nowhere, or lead to the wrong host."""

from collections.abc import Iterator

from tests.kernel.faults.case import IPV4, TCP, UDP, Case

NO_WAY = {
    "blackhole": "RTNETLINK answers: Invalid argument|blackhole",
    "prohibit": "RTNETLINK answers: Permission denied|prohibit",
    "unreachable": "RTNETLINK answers: No route to host|unreachable",
}
"""What ``ip route get`` says of such a route."""
UNREACHABLE = "RTNETLINK answers: Network is unreachable|unreachable"
TO_ROUTER = "via {router} dev eth0"


def cases() -> Iterator[Case]:
    """Yield every case of this kind."""
    yield from leading_nowhere()
    yield from missing()
    yield from missing_for_the_callers_own()
    yield from policy_routes()
    yield from unknown_callers()
    yield from wrong_turns()


def leading_nowhere() -> Iterator[Case]:
    """A blackhole and its like, before a packet and before its reply."""
    for way in (TCP, UDP):
        for kind, shown in NO_WAY.items():
            one, back = f"{kind} {way.address}/{{bits}}", f"{kind} {{node2}}/{{bits}}"
            yield way.to(
                f"{kind} route to the pod",
                put=(("node2", f"{{ip}} route add {one}"),),
                undo=(("node2", f"{{ip}} route del {one}"),),
                host="node2",
                cause=f"node2 has an? {kind} route for",
                shown=shown,
            )
            yield way.to(
                f"{kind} route back",
                put=(("node1", f"{{ip}} route add {back}"),),
                undo=(("node1", f"{{ip}} route del {back}"),),
                host="node1",
                cause=f"answered, but the reply .*{kind} route",
                shown=shown,
            )


def missing() -> Iterator[Case]:
    """A node without the route to another's pods, and a pod without any."""
    for way in (TCP, UDP):
        yield way.to(
            "route to the pods of another node missing",
            put=(("node2", "{ip} route del {pods1} via {node1}"),),
            undo=(("node2", "{ip} route add {pods1} via {node1} dev eth0"),),
            host="router",
            cause="node2 has no route to",
            shown=TO_ROUTER,
        )
        yield way.to(
            "pod without a way back",
            put=((way.server, "{ip} route del default"),),
            undo=((way.server, "{ip} route add default via {gateway1} dev eth0"),),
            result="unanswered",
            host=way.server,
            cause=f"{way.server} has no route back to",
            shown=UNREACHABLE,
        )


def missing_for_the_callers_own() -> Iterator[Case]:
    """What a caller's own kernel has no way for, before or after DNAT."""
    for kind, shown in NO_WAY.items():
        yield Case(
            fault=f"{kind} route, met again after DNAT in OUTPUT",
            put=(("node2", f"{{ip}} route add {kind} {{web}}/{{bits}}"),),
            undo=(("node2", f"{{ip}} route del {kind} {{web}}/{{bits}}"),),
            caller="node2",
            target="http://web",
            result="dropped",
            host="node2",
            cause=f"{kind} route for .* after DNAT",
            shown=shown,
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
        shown=TO_ROUTER,
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
        shown=UNREACHABLE,
    )


def policy_routes() -> Iterator[Case]:
    """Routes of another table, which ``ip rule`` chooses by source or mark."""
    for way in (TCP, UDP):
        yield way.to(
            "policy route by source to a blackhole",
            put=(
                ("node2", "{ip} route add blackhole default table 100"),
                ("node2", "{ip} rule add from {client} lookup 100"),
            ),
            undo=(
                ("node2", "{ip} rule del from {client} lookup 100"),
                ("node2", "{ip} route flush table 100"),
            ),
            host="node2",
            cause="node2 has a blackhole route by a policy rule for",
            shown=NO_WAY["blackhole"],
            families=(IPV4,),
        )
        yield way.to(
            "policy route by destination to the router",
            put=(
                ("node2", "{ip} route add default via {router} dev eth0 table 100"),
                ("node2", "{ip} rule add to {pods1} lookup 100"),
            ),
            undo=(
                ("node2", "{ip} rule del to {pods1} lookup 100"),
                ("node2", "{ip} route flush table 100"),
            ),
            host="router",
            cause="default route of its table 100, which a policy rule",
            shown=TO_ROUTER,
        )


def unknown_callers() -> Iterator[Case]:
    """A caller with an address that only it knows."""
    for way in (TCP, UDP):
        yield way.to(
            "caller's own address unknown to all others",
            put=(
                ("client", "ip address add 172.16.0.9/32 dev lo"),
                ("client", "ip route change $(ip route show default) src 172.16.0.9"),
            ),
            undo=(
                ("client", "ip route replace $(ip route show default | sed 's/ src [^ ]*//')"),
                ("client", "ip address del 172.16.0.9/32 dev lo"),
            ),
            host="router",
            cause="answered, but .*client called from 172.16.0.9, and router has no route to that",
            shown="src 172.16.0.9",
            families=(IPV4,),
        )


def wrong_turns() -> Iterator[Case]:
    """A route to the wrong host, a circle, and an address that two hosts have."""
    for way in (TCP, UDP):
        yield way.to(
            "route to the pods leads to another host",
            put=(("node2", "{ip} route replace {pods1} via {lb} dev eth0"),),
            undo=(("node2", "{ip} route replace {pods1} via {node1} dev eth0"),),
            host="router",
            cause="node2 sends .* which is lb, though the pod runs on node1",
            shown="via {lb} dev eth0",
        )
        yield way.to(
            "routes in a circle",
            put=(
                ("node2", f"{{ip}} route add {way.address}/{{bits}} via {{router}}"),
                ("router", f"{{ip}} route add {way.address}/{{bits}} via {{node2}}"),
            ),
            undo=(
                ("node2", f"{{ip}} route del {way.address}/{{bits}} via {{router}}"),
                ("router", f"{{ip}} route del {way.address}/{{bits}} via {{node2}}"),
            ),
            host="node2",
            cause="it went in a circle .*router sends .* back by",
            shown="via {node2} dev cloud0",
            families=(IPV4,),
        )
        yield way.to(
            "address of a pod on a node too",
            put=(("node2", f"ip address add {way.address}/{{bits}} dev lo"),),
            undo=(("node2", f"ip address del {way.address}/{{bits}} dev lo"),),
            result="refused",
            host="node2",
            cause=f"is an address of {way.server}; node2 has it too",
            shown=f"local {way.address}",
        )
