import pytest

from netlab.dns.outside_zone import OutsideZone
from netlab.dns.records import Rcode, Type

ZONE = OutsideZone(
    {
        "client.netlab.test": ["198.51.100.79", "2001:db8::79"],
        "web.default.elb.netlab.test": ["203.0.113.10"],
    }
)


@pytest.mark.parametrize(
    ("name", "qtype", "rcode", "found"),
    [
        ("client.netlab.test", Type.A, Rcode.NOERROR, ["198.51.100.79"]),
        ("client.netlab.test", Type.AAAA, Rcode.NOERROR, ["2001:db8::79"]),
        ("client.netlab.test", Type.TXT, Rcode.NOERROR, []),
        ("79.100.51.198.in-addr.arpa", Type.PTR, Rcode.NOERROR, ["client.netlab.test"]),
        ("1.100.51.198.in-addr.arpa", Type.PTR, Rcode.NXDOMAIN, []),
        ("elb.netlab.test", Type.A, Rcode.NOERROR, []),
        ("test", Type.A, Rcode.NOERROR, []),
        ("", Type.A, Rcode.NOERROR, []),
        ("other.netlab.test", Type.A, Rcode.NXDOMAIN, []),
        ("www.example.com", Type.A, Rcode.NXDOMAIN, []),
        ("my-nginx.default.svc.cluster.local", Type.A, Rcode.NXDOMAIN, []),
    ],
)
def test_what_is_not_in_it_does_not_exist(name: str, qtype: int, rcode: Rcode, found: list[str]):
    answer = ZONE.answer(name, qtype)
    assert (answer.rcode, [record.data for record in answer.answers]) == (rcode, found)
    assert bool(answer.authority) == (not found)


def test_it_tells_when_it_is_another():
    zone = OutsideZone({})
    before = zone.version
    zone.set({})
    assert zone.version == before
    zone.set({"a.netlab.test": ["192.0.2.1"]})
    assert zone.version != before
