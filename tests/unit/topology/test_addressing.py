from ipaddress import IPv4Address, IPv4Network, ip_network

import pytest

from netlab.documents.problems import Document, Report
from netlab.topology import addressing
from netlab.topology.addressing import Range

NODES = Range(
    name="nodes",
    network=IPv4Network("10.240.0.0/29"),
    path=("spec", "networks", "nodes"),
    own=("the router",),
)
PODS = ("spec", "networks", "pods")


@pytest.fixture
def report() -> Report:
    return Report(Document(value={}))


def told(report: Report) -> list[str]:
    return [str(problem) for problem in report.problems]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        pytest.param("10.240.0.0", "has no prefix length (write 10.240.0.0/24)", id="no length"),
        pytest.param("10.240.0.3/24", "has host bits set (did you mean 10.240.0.0/24?)", id="host"),
        pytest.param("fd00::", "has no prefix length (write fd00::/64)", id="no length in IPv6"),
        pytest.param("fd00::3/64", "has host bits set (did you mean fd00::/64?)", id="IPv6 host"),
        pytest.param("fe80::/64", "no host can have addresses of this network", id="link-local"),
        pytest.param("::/8", "no host can have addresses of this network", id="mapped IPv4"),
        pytest.param("10.240.0.0/255.255.255.0", "must be a network", id="a netmask"),
        pytest.param("10.240.0.0/33", "must be a network (as in 10.240.0.0/24)", id="length 33"),
        pytest.param("127.0.0.0/8", "no host can have addresses of this network", id="loopback"),
        pytest.param("224.0.0.0/4", "no host can have addresses of this network", id="multicast"),
        pytest.param("0.0.0.0/0", "no host can have addresses of this network", id="everything"),
    ],
)
def test_a_network_that_no_lab_can_have_is_refused(value: str, why: str, report: Report):
    assert addressing.parse_network(value, ("n",), report) is None
    (problem,) = told(report)
    assert problem.startswith(f'n: Invalid value: "{value}": ')
    assert why in problem


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("10.0.0", "must be an IP address"),
        ("fe80::1%eth0", "without a zone"),
        ("", "must be an IP"),
    ],
)
def test_what_is_no_address_is_refused(value: str, why: str, report: Report):
    assert addressing.parse_address(value, ("a",), report) is None
    assert why in told(report)[0]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.240.0.0", "network address"),
        ("10.240.0.1", "router's address"),
        ("10.240.0.7", "broadcast address"),
        ("10.240.0.8", "is not in networks.nodes (10.240.0.0/29)"),
    ],
)
def test_an_address_that_is_not_for_hosts_is_refused(address: str, why: str, report: Report):
    assert addressing.check_host(IPv4Address(address), NODES, ("a",), report) is None
    assert why in told(report)[0]


@pytest.mark.parametrize(
    ("ranges", "overlaps"),
    [
        pytest.param(["10.0.0.0/24", "10.0.1.0/24"], 0, id="side by side"),
        pytest.param(["10.0.0.0/16", "10.0.1.0/24"], 1, id="one in the other"),
        pytest.param(["10.0.1.0/24", "10.0.2.0/24", "10.0.0.0/16"], 2, id="two in one"),
        pytest.param(["10.0.0.0/24", "10.0.0.0/24"], 1, id="the same twice"),
        pytest.param(["fd00::/48", "10.0.0.0/8", "fd00::/64"], 1, id="IPv6 beside IPv4"),
    ],
)
def test_networks_that_overlap_are_told(ranges: list[str], overlaps: int, report: Report):
    named = [((f"n{at}",), ip_network(text)) for at, text in enumerate(ranges)]
    addressing.check_overlaps(named, report)
    assert len(told(report)) == overlaps


@pytest.mark.parametrize(("hosts", "fits"), [(0, True), (5, True), (6, False)])
def test_a_network_is_large_enough_or_told_how_large_it_must_be(
    hosts: int, fits: bool, report: Report
):
    assert addressing.check_room(NODES, hosts, report) is fits
    assert told(report) == (
        []
        if fits
        else [
            (
                "spec.networks.nodes: 10.240.0.0/29 is too small for the router and 6 hosts"
                " (it must be a /28 or larger)"
            )
        ]
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param([None, None], [3, 4], id="by its place"),
        pytest.param([4, None], [4, 2], id="the next free when its place is taken"),
        pytest.param([None, 3], [2, 3], id="what was asked for goes first"),
        pytest.param([None] * 5, [3, 4, 5, 6, 2], id="every free one in the end"),
    ],
)
def test_addresses_are_filled_in(asked: list[int | None], found: list[int]):
    addresses = [NODES.host(number) if number else None for number in asked]
    filled = addressing.fill_hosts(NODES, addresses, range(3, 3 + len(asked)))
    assert filled == [NODES.host(number) for number in found]


@pytest.mark.parametrize(
    ("pods", "asked", "found"),
    [
        ("10.244.0.0/16", [None, None], ["10.244.1.0/24", "10.244.2.0/24"]),
        ("10.244.0.0/16", ["10.244.2.0/24", None], ["10.244.2.0/24", "10.244.3.0/24"]),
        ("10.244.0.0/24", [None, None], ["10.244.0.64/26", "10.244.0.128/26"]),
        ("fd00:10:244::/48", [None, None], ["fd00:10:244:1::/64", "fd00:10:244:2::/64"]),
        ("fd00:10:244::/112", [None], ["fd00:10:244::8000/113"]),
    ],
    ids=[
        "by its place",
        "not what was asked for",
        "smaller where there is less room",
        "a /64 of IPv6",
        "smaller in IPv6 too",
    ],
)
def test_pod_networks_are_filled_in(
    pods: str, asked: list[str | None], found: list[str], report: Report
):
    within = Range(name="pods", network=ip_network(pods), path=PODS)
    wanted = [ip_network(one) if one else None for one in asked]
    assert addressing.fill_pod_cidrs(within, wanted, report) == list(map(ip_network, found))
    assert told(report) == []


def test_a_pods_network_without_room_is_told_how_large_it_must_be(report: Report):
    within = Range(name="pods", network=IPv4Network("10.244.0.0/28"), path=PODS)
    assert addressing.fill_pod_cidrs(within, [None, None], report) == []
    assert told(report) == [
        (
            "spec.networks.pods: 10.244.0.0/28 is too small for the pods of 2 nodes"
            " (it must be a /26 or larger)"
        )
    ]
