from ipaddress import ip_address, ip_network

from netlab.model.addresses import Family


def test_family_knows_its_own():
    assert Family.IPV4.holds(ip_address("10.0.0.1"))
    assert Family.IPV6.holds(ip_network("fd00::/8"))
    assert not Family.IPV6.holds(ip_network("10.0.0.0/8"))
