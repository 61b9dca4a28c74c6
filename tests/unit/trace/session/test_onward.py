"""Which connection a proxy made for which, out of what passed its interface."""

from ipaddress import ip_address

import pytest

from netlab.client.cluster import ServicePort
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.sources.observations import Observation
from netlab.sources.packet_key import PacketKey
from netlab.trace.outcomes import Result
from netlab.trace.session.onward import node_ports, onward_pair, proxy_at, result_of

LB = Host(
    name="lb",
    kind=HostKind.LB,
    netns=NetnsName("netlab-x-lb"),
    addresses=(ip_address("10.240.0.2"),),
)
SYN, SYN_ACK, RST = 0x02, 0x12, 0x14


def end(text: str) -> AddrPort:
    address, _, port = text.partition(":")
    return AddrPort(ip_address(address), int(port))


def pair(source: str, destination: str) -> AddressPair:
    return AddressPair(end(source), end(destination))


def seen(
    at: int, ends: AddressPair, flags: int = SYN, quoted: AddressPair | None = None
) -> Observation:
    protocol = "icmp" if quoted else "tcp"
    own = ends.source.address in LB.addresses
    return Observation(
        time_ns=at,
        host="lb",
        ifname="eth0",
        direction=Direction.OUT if own else Direction.IN,
        pair=ends,
        key=PacketKey(protocol, at, 0, (at, 0, flags)),
        quoted=quoted,
    )


FIRST = pair("198.51.100.79:4000", "203.0.113.1:80")
SECOND = pair("198.51.100.79:4001", "203.0.113.1:80")
ONE = pair("10.240.0.2:5000", "10.240.0.3:31000")
TWO = pair("10.240.0.2:5001", "10.240.0.4:31000")
PROBE = pair("10.240.0.2:6000", "10.240.0.3:10256")


@pytest.mark.parametrize(
    ("packets", "taken", "found"),
    [
        pytest.param([seen(1, FIRST), seen(2, ONE)], (), ONE, id="the one that follows"),
        pytest.param([seen(1, ONE), seen(2, FIRST)], (), None, id="not one from before"),
        pytest.param([seen(1, FIRST), seen(2, PROBE), seen(3, TWO)], (), TWO, id="no health check"),
        pytest.param([seen(1, FIRST), seen(2, ONE), seen(3, TWO)], {ONE}, TWO, id="nobody else's"),
        pytest.param([seen(1, FIRST)], (), None, id="none was made"),
        pytest.param([seen(2, ONE)], (), None, id="the first was not seen there"),
    ],
)
def test_the_connection_that_a_proxy_made(
    packets: list[Observation], taken: set[AddressPair], found: AddressPair | None
):
    assert onward_pair(packets, FIRST, LB, {31000}, taken) == found


@pytest.mark.parametrize(
    ("packets", "result"),
    [
        ([seen(2, pair("10.240.0.3:31000", "10.240.0.2:5000"), SYN_ACK)], Result.ANSWERED),
        ([seen(2, pair("10.240.0.3:31000", "10.240.0.2:5000"), RST)], Result.REFUSED),
        ([seen(2, pair("10.240.0.3:0", "10.240.0.2:0"), quoted=ONE)], Result.REFUSED),
        ([], Result.TIMEOUT),
    ],
    ids=["accepted", "reset", "an ICMP error", "silence"],
)
def test_how_a_connection_of_a_proxy_began(packets: list[Observation], result: Result):
    assert result_of([seen(1, ONE), *packets], ONE, LB) is result


def test_a_proxy_is_the_balancers_host_where_a_connection_ended():
    assert proxy_at([LB], "lb") is LB
    assert proxy_at([LB], "node1") is None


def test_it_goes_on_to_the_node_ports_of_the_port_that_was_called():
    port = ServicePort(
        namespace="default",
        name="web",
        port_name="",
        cluster_ip=ip_address("10.0.0.9"),
        port=80,
        node_port=31000,
        policy="Cluster",
        backends=(),
        balancer_addresses=(ip_address("203.0.113.1"),),
    )
    assert node_ports([port], end("203.0.113.1:80")) == {31000}
    assert node_ports([port], end("203.0.113.1:81")) == frozenset()
    assert node_ports([port], end("203.0.113.2:80")) == frozenset()
