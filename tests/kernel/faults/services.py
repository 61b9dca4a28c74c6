"""Services that are not as their callers think; little or nothing is put into the kernel."""

from collections.abc import Iterator

from tests.kernel.faults.case import ANY, IPTABLES, IPV4, NFTABLES, Case
from tests.kernel.faults.topology import Variant


def cases() -> Iterator[Case]:
    """Yield every case of this kind."""
    yield from healthy()
    yield from endpoints()
    yield from policies()
    yield from ports()
    yield from fences()
    yield from programs()


def healthy() -> Iterator[Case]:
    """Calls that nothing is wrong with."""
    for call, host in (
        ("client http://node2:30100", "web-1"),
        ("client udp://node2:30109", "udp-1"),
        ("web-1 http://web", "web-1"),
        ("caller-2 icmp://caller-1", "caller-1"),
        ("client http://node2:30104", "web-1"),
    ):
        yield _found("nothing", call, f"delivered {host}", f"delivered to {host}")


def endpoints() -> Iterator[Case]:
    """Services that no pod is ready for."""
    for call, host in (("client tcp://node2:30103", "node2"), ("caller-1 tcp://empty", "node1")):
        yield _found(
            "Service without endpoints",
            call,
            f"rejected {host}",
            "Service default/empty has no endpoint that is ready",
            "(?s)web-1",
        )
    yield _found(
        "load balancer without a node to send to",
        "client http://{vip_unbalanced_ended}",
        "dropped lb",
        "no node passes the health check of the load balancer for Service default/unbalanced:"
        " under externalTrafficPolicy Local",
        "unbalanced",
    )
    yield _found(
        "address of the load balancer that no Service has",
        "client http://{vip_free_ended}",
        "dropped lb",
        "no Service has {vip_free} as the address of its load balancer",
        r"(?s)^(?!.*{vip_free} ).*unbalanced",
    )
    for target, cause in (
        ("tcp://{vip_ended}:81", "Service default/fenced has 80/TCP only, not 81/TCP"),
        ("udp://{vip_ended}:80", "Service default/fenced has 80/TCP only, not 80/UDP"),
        ("icmp://{vip_ended}", r"the ports of the Service \(80/TCP\); a ping has no port"),
    ):
        yield _found(
            "port that a Service has not at its load balancer",
            f"client {target}",
            "rejected lb",
            cause,
            "80:30104/TCP",
        )
    for call, host in (("client tcp://node2:30105", "node2"), ("caller-1 tcp://unready", "node1")):
        yield _found(
            "endpoint not ready",
            call,
            f"rejected {host}",
            "Service default/unready has endpoints, and none is ready: .* on node1 is not ready",
            r"unready-1 +0/1",
        )


def policies() -> Iterator[Case]:
    """Policy Local, from outside and from inside, where the node has no pod."""
    yield _found(
        "externalTrafficPolicy Local, node without the pod",
        "client tcp://node2:30101",
        "dropped node2",
        "externalTrafficPolicy Local sends callers from outside",
        "✔ DELIVERED to web-1",
    )
    for caller in ("caller-2", "node2"):
        yield _found(
            "internalTrafficPolicy Local, node without the pod",
            f"{caller} tcp://inside",
            "dropped node2",
            "internalTrafficPolicy Local sends a caller inside",
            r"web-1 .* node1",
        )


def ports() -> Iterator[Case]:
    """Ports that a Service, a pod or a node has not."""
    for call in ("client tcp://node2:30102", "caller-2 tcp://wrongport"):
        yield _found(
            "DNAT to a port that nobody has",
            call,
            "refused web-1",
            "nothing there listens on port 8099 .targetPort of Service default/wrongport",
            r"(?s)^(?!.*:8099).*:8080",
        )
    for scheme in ("tcp", "udp"):
        yield _found(
            "port that nobody has",
            f"client {scheme}://node1:9",
            "refused node1",
            "nothing there listens on that port",
            r"(?s)^(?!.*:9\s).*:10256",
        )
        yield _found(
            "NodePort that no Service has",
            f"client {scheme}://node1:30999",
            "refused node1",
            "no Service has NodePort 30999",
            r"(?s)^(?!.*:30999).*:30100",
        )
    yield _found(
        "NodePort by another protocol",
        "client udp://node1:30100",
        "refused node1",
        "this NodePort for TCP only",
        "80:30100/TCP",
    )
    yield _found(
        "NodePort at an address outside nodePortAddresses",
        "caller-1 http://{gateway1_ended}:30100",
        "refused node1",
        "kube-proxy takes NodePorts at the addresses of nodePortAddresses only",
        "30100",
    )
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
            yield _found(fault, call, "dropped router", cause, "80:30100/TCP", IPTABLES)
            yield _found(fault, call, "rejected node2", cause, "80:30100/TCP", NFTABLES)


def fences() -> Iterator[Case]:
    """Callers that a Service does not let in."""
    yield _found(
        "ClusterIP from outside",
        "client tcp://web:80",
        "dropped router",
        "outside the cluster",
        "web +NodePort",
    )
    yield _found(
        "source that loadBalancerSourceRanges do not hold",
        "caller-2 http://{vip_ended}",
        "dropped node2",
        "loadBalancerSourceRanges of Service default/fenced do not hold the packet's source, ",
        r"loadBalancerSourceRanges:\s+- 203.0.113.128/25",
    )


def programs() -> Iterator[Case]:
    """Programs that listen elsewhere, do not accept, or have stopped."""
    yield _found(
        "program listens on loopback only",
        "client http://node2:30107",
        "refused loop-1",
        "a program there listens on port 8080 .*, but at 127.0.0.1 only",
        "127.0.0.1:8080",
        families=(IPV4,),
    )
    yield _found(
        "listen backlog full",
        "client tcp://node2:30108",
        "dropped full-1",
        "queue of its listening socket is full.*until the program accepts them",
        r"LISTEN +1 +0 ",
    )
    for call, host, netns, cause, shown in (
        (
            "client http://node2:30100",
            "web-1",
            "{netns_web}",
            "the connection was made, and the program on web-1 said nothing",
            r"ESTAB +[1-9]\d|CLOSE-WAIT +[1-9]\d",
        ),
        (
            "client udp://node2:30109",
            "udp-1",
            "{netns_udp}",
            "the program there did not answer",
            r"UNCONN +[1-9]\d+ .*:9000",
        ),
    ):
        caller, _, target = call.partition(" ")
        yield Case(
            fault="program stopped",
            put=(("node1", f"kill -STOP $(ip netns pids {netns})"),),
            undo=(("node1", f"kill -CONT $(ip netns pids {netns})"),),
            caller=caller,
            target=target,
            result="unanswered",
            host=host,
            cause=cause,
            shown=shown,
        )


def _found(  # noqa: PLR0917
    fault: str,
    call: str,
    end: str,
    cause: str,
    shown: str = "",
    variants: tuple[Variant, ...] = ANY,
    families: tuple[int, ...] = (4, 6),
) -> Case:
    caller, _, target = call.partition(" ")
    result, _, host = end.partition(" ")
    return Case(
        fault=fault,
        caller=caller,
        target=target,
        result=result,
        host=host,
        cause=cause,
        shown=shown,
        variants=variants,
        families=families,
    )
