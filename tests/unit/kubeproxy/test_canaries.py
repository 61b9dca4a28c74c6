"""When the nodes' canaries are looked at, and what is said of those that are gone."""

import asyncio
from collections.abc import Callable

from netlab.errors import KernelError
from netlab.kubeproxy.canaries import CanaryWatch
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyMode
from netlab.model.names import NetnsFamily, NetnsName
from netlab.netns_agent.requests import FindLost

NODES = tuple(
    NetnsFamily(NetnsName(f"netlab-default-{node}"), Family.IPV4) for node in ("node1", "node2")
)
NOW = 1_800_000_000.0


async def watch(
    answer: Callable[[FindLost], frozenset[NetnsFamily]],
    times: list[float],
    mode: ProxyMode = ProxyMode.IPTABLES,
) -> tuple[list[float], list[set[NetnsFamily]], list[FindLost]]:
    """Call at each of ``times``; return when the next look is due, the lost, the asked."""
    lost: list[set[NetnsFamily]] = []
    asked: list[FindLost] = []

    async def call(request: object) -> frozenset[NetnsFamily]:
        assert isinstance(request, FindLost)
        asked.append(request)
        return answer(request)

    canaries = CanaryWatch(call, lost.append, period_s=30)
    due = []
    for now in times:
        due.append(canaries.look_when_due(NODES, mode, now))
        # Whatever look has begun comes to its end.
        for _ in range(len(NODES) + 1):
            await asyncio.ensure_future(asyncio.sleep(0))
    return due, lost, asked


def test_the_first_look_is_a_period_after_the_rules_were_laid():
    due, lost, asked = asyncio.run(watch(lambda _: frozenset(), [NOW, NOW + 29, NOW + 30]))
    assert due == [NOW + 30, NOW + 30, NOW + 60]
    assert [request.keys for request in asked] == [(NODES[0],), (NODES[1],)]
    assert {table for table, _ in asked[0].chains} == {"mangle", "nat", "filter"}
    assert lost == []


def test_in_nftables_mode_a_rule_of_the_table_is_the_canary():
    _, _, asked = asyncio.run(
        watch(lambda _: frozenset(), [NOW, NOW + 30], mode=ProxyMode.NFTABLES)
    )
    assert {request.filled for request in asked} == {("masquerading",)}
    # The CNI's own rules stay in iptables.
    assert {request.chains for request in asked} == {(("nat", "IP-MASQ-AGENT"),)}


def test_a_node_that_lost_its_canary_is_told():
    def second(request: FindLost) -> frozenset[NetnsFamily]:
        return frozenset(request.keys) & {NODES[1]}

    _, lost, _ = asyncio.run(watch(second, [NOW, NOW + 30]))
    assert lost == [{NODES[1]}]


def test_a_node_that_cannot_be_looked_at_counts_as_lost():
    def refuse(request: FindLost) -> frozenset[NetnsFamily]:
        raise KernelError(f"no look at {request.keys}")

    _, lost, _ = asyncio.run(watch(refuse, [NOW, NOW + 30]))
    assert lost == [set(NODES)]
