from ipaddress import ip_address, ip_interface, ip_network

import pytest

from netlab.cni.attachment import default_route, gateway, host_route, interface
from netlab.model.links import Route


@pytest.mark.parametrize(
    ("address", "length", "found"),
    [
        ("10.244.1.2", None, "10.244.1.2/32"),
        ("10.244.1.2", 24, "10.244.1.2/24"),
        ("fd00::2", None, "fd00::2/128"),
        ("fd00::2", 64, "fd00::2/64"),
    ],
)
def test_an_address_gets_the_length_of_one_host_unless_told(
    address: str, length: int | None, found: str
):
    assert interface(ip_address(address), length) == ip_interface(found)


@pytest.mark.parametrize(
    ("network", "first"), [("10.244.1.0/24", "10.244.1.1"), ("fd00:244:1::/64", "fd00:244:1::1")]
)
def test_the_gateway_is_the_first_address(network: str, first: str):
    assert gateway(ip_network(network)) == ip_address(first)


@pytest.mark.parametrize(("via", "everywhere"), [("10.240.0.1", "0.0.0.0/0"), ("fd00::1", "::/0")])
def test_the_route_of_last_resort_is_of_the_gateways_family(via: str, everywhere: str):
    assert default_route(ip_address(via)) == Route(
        destination=ip_network(everywhere), gateway=ip_address(via)
    )


def test_one_address_on_the_link_needs_no_gateway():
    assert host_route(ip_address("fd00::2"), "veth-a") == Route(
        destination=ip_network("fd00::2/128"), ifname="veth-a"
    )
