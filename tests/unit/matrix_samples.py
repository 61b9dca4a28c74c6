"""A matrix of one Service for tests: three callers, a ClusterIP and two NodePorts."""

from fractions import Fraction
from ipaddress import ip_address

from netlab.model.packets import AddressPair, AddrPort
from netlab.trace.decision import Decision
from netlab.trace.matrix import Cell, MatrixRow, ServiceMatrix, Target, cell_of
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.predicted_path import End

CLIENT, GATEWAY, NODE1 = "198.51.100.79", "10.244.1.1", "10.240.0.3"
OWN = {"client": [CLIENT], "node1": [NODE1, GATEWAY], "web-1": ["10.244.1.2"]}
OWNERS = {ip_address(a): host for host, addresses in OWN.items() for a in addresses}
NAMES = {
    ip_address(CLIENT): "client",
    ip_address(GATEWAY): "node1(gateway)",
    ip_address("10.244.1.2"): "web-1",
}

TARGETS = tuple(
    Target(name=name, address=AddrPort(ip_address(address), port), policy=policy)
    for name, address, port, policy in (
        ("ClusterIP", "10.0.55.247", 80, ""),
        ("node1", NODE1, 31704, "Local"),
        ("node2", "10.240.0.4", 31704, "Local"),
    )
)

POD = AddrPort(ip_address("10.244.1.2"), 8080)
BALANCED = Decision(
    host="node1",
    end=End.DELIVERED,
    chains=("KUBE-SVL-AAAA", "KUBE-SEP-BBBB"),
    rule="-A KUBE-SVL-AAAA -j KUBE-SEP-BBBB",
    comment="default/nodeport -> 10.244.1.2:8080",
    endpoints=((POD, Fraction(1)),),
    snat_at="node1",
)
DROP = Decision(
    host="node2",
    end=End.DROPPED,
    chains=("KUBE-EXTERNAL-SERVICES",),
    rule="-A KUBE-EXTERNAL-SERVICES -j DROP",
    comment="default/nodeport has no local endpoints",
)
NO_ROUTE = Decision(host="router", end=End.UNROUTED)


def cell(caller: str, target: Target, result: str, decision: Decision | None = None) -> Cell:
    """Return a cell; a result is an address the pod saw, or how the call ended."""
    outcome = Outcome(
        caller=caller,
        target=target.address,
        result=Result(result) if result.isalpha() else Result.ANSWERED,
        client_address=None if result.isalpha() else ip_address(result),
        pair=AddressPair(AddrPort(ip_address(OWN[caller][0]), 40000), target.address),
    )
    return cell_of(outcome, OWNERS, decision)


def row(caller: str, kind: str, *results: tuple[str, Decision | None], node: str = "") -> MatrixRow:
    cells = [cell(caller, target, *r) for target, r in zip(TARGETS, results, strict=True)]
    return MatrixRow(caller=caller, kind=kind, node=node, cells=tuple(cells))


MATRIX = ServiceMatrix(
    service="default/nodeport",
    policy="Local",
    targets=TARGETS,
    rows=(
        row("client", "client", ("unreachable", NO_ROUTE), (CLIENT, BALANCED), ("timeout", DROP)),
        row("node1", "node", (GATEWAY, BALANCED), (GATEWAY, BALANCED), ("timeout", DROP)),
        row(
            "web-1", "pod", (GATEWAY, BALANCED), ("answered", None), ("refused", None), node="node1"
        ),
    ),
)
