"""Which map knows a Service's address, and what it says."""

from collections.abc import Callable

import pytest

from netlab.netfilter.nftables.table import Table

Lay = Callable[..., Table]

CLUSTER_IP, EXTERNAL_IP, VIP = (
    "10.0.0.80 . tcp . 80",
    "192.0.2.80 . tcp . 80",
    "203.0.113.10 . tcp . 80",
)
NODE_PORT = "tcp . 31704"
SERVICE = {
    "type": "LoadBalancer",
    "externalIPs": ["192.0.2.80"],
    "ingress": [{"ip": "203.0.113.10"}, {"ip": "203.0.113.11", "ipMode": "Proxy"}],
    "ports": [{"port": 80, "targetPort": 8080, "nodePort": 31704}],
}
LOCAL = [("10.244.1.2", "node1")]
REMOTE = [("10.244.2.2", "node2")]
SERVED = {CLUSTER_IP, EXTERNAL_IP, VIP, NODE_PORT}


def verdicts(table: Table, *names: str) -> dict[str, str]:
    """Return the first words of the verdicts in some maps, by key; a chain's name is cut."""
    return {
        one.key: str(one.verdict).split("-")[0]
        for named in table.sets
        for one in named.elements
        if named.name in names
    }


@pytest.mark.parametrize(
    ("policies", "pods", "served", "refused"),
    [
        ({}, REMOTE, SERVED, {}),
        ({}, [], set(), dict.fromkeys(SERVED, "goto reject")),
        ({"externalTrafficPolicy": "Local"}, LOCAL, SERVED, {}),
        (
            {"externalTrafficPolicy": "Local"},
            REMOTE,
            SERVED,
            {EXTERNAL_IP: "drop", VIP: "drop", NODE_PORT: "drop"},
        ),
        (
            {"internalTrafficPolicy": "Local"},
            REMOTE,
            SERVED - {CLUSTER_IP},
            {CLUSTER_IP: "drop"},
        ),
    ],
    ids=[
        "an endpoint serves all",
        "no endpoint rejects all",
        "a local endpoint serves outsiders",
        "no local endpoint drops outsiders",
        "no local endpoint drops insiders",
    ],
)
def test_policies_decide(
    lay: Lay,
    policies: dict[str, str],
    pods: list[tuple[str, str]],
    served: set[str],
    refused: dict[str, str],
):
    table = lay({**SERVICE, **policies}, pods=pods)
    assert verdicts(table, "service-ips", "service-nodeports").keys() == served
    assert verdicts(table, "no-endpoint-services", "no-endpoint-nodeports") == refused


def test_the_cluster_ip_and_the_rest_go_to_chains_of_their_own(lay: Lay):
    found = verdicts(lay(SERVICE), "service-ips", "service-nodeports")
    assert found.pop(CLUSTER_IP) == "goto service"
    assert set(found.values()) == {"goto external"}


@pytest.mark.parametrize("pods", [LOCAL, []], ids=["with an endpoint", "without endpoints"])
def test_only_vips_are_behind_source_ranges(lay: Lay, pods: list[tuple[str, str]]):
    ranged = {**SERVICE, "loadBalancerSourceRanges": ["192.0.2.0/24"]}
    assert verdicts(lay(ranged, pods=pods), "firewall-ips") == {VIP: "goto firewall"}
    assert verdicts(lay(SERVICE, pods=pods), "firewall-ips") == {}
