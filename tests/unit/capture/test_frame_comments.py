"""Comments beside frames."""

from ipaddress import ip_address

from netlab.capture.frame_comments import Naming, hop_comment, nat_comment
from netlab.model.packets import AddressPair, AddrPort, Direction

NAMES = {"198.51.100.79": "client", "10.240.0.4": "node2", "10.244.1.2": "web"}


def end(address: str, port: int) -> AddrPort:
    return AddrPort(ip_address(address), port)


OUTSIDE = AddressPair(end("198.51.100.79", 40000), end("10.240.0.4", 30080))
INSIDE = AddressPair(end("10.240.0.4", 7777), end("10.244.1.2", 8080))


def test_a_hop_is_counted_where_it_belongs_to_a_packet():
    assert hop_comment("client:eth0", Direction.OUT, 1) == "hop 1: out of client:eth0"
    assert hop_comment("node2:eth0", Direction.IN, 0) == "into node2:eth0"


def test_nat_tells_what_became_of_each_end():
    assert nat_comment("in node2", OUTSIDE, INSIDE, Naming(NAMES)) == (
        "NAT in node2: destination node2:30080 => web:8080, source client:40000 => node2:7777"
    )


def test_an_end_that_stayed_is_not_told():
    half = OUTSIDE._replace(destination=INSIDE.destination)
    said = nat_comment("in node2", OUTSIDE, half, Naming({}))
    assert said == "NAT in node2: destination 10.240.0.4:30080 => 10.244.1.2:8080"


def test_names_stand_for_addresses_and_ports_stay():
    naming = Naming(NAMES)
    assert naming.end(end("10.240.0.4", 0)) == "node2"
    assert naming.end(end("fd00::1", 80)) == "[fd00::1]:80"
    assert naming.ends(INSIDE) == "node2:7777 > web:8080"
