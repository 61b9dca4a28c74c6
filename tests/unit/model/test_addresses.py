import pytest

from netlab.model.addresses import parse_cidr, parse_ip


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("010.0.0.1", "10.0.0.1"),
        ("fd00::1", "fd00::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fd00::1%eth0", "None"),
        ("fd00::1%\n-A INPUT -j DROP", "None"),
        ("10.0.0.1%lo", "None"),
        ("10.0.0", "None"),
        ("10.0.0.1/32", "None"),
        (" 10.0.0.1", "None"),
        ("10.0.0.1\n", "None"),
        ("", "None"),
        (None, "None"),
        (167772161, "None"),
    ],
)
def test_an_address_is_read_as_kubernetes_reads_it(text: object, read: str):
    assert str(parse_ip(text)) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("010.0.0.0/8", "10.0.0.0/8"),
        ("fd00::/48", "fd00::/48"),
        ("10.0.0.0/255.0.0.0", "None"),
        ("10.0.0.0/0.255.255.255", "None"),
        ("10.0.0.0", "None"),
        ("10.0.0.0/33", "None"),
        ("10.0.0.0/-1", "None"),
        ("10.0.0.0/8/8", "None"),
        ("fd00::%eth0/48", "None"),
        ("10.0.0.0/8\n", "None"),
        ("/8", "None"),
        (8, "None"),
    ],
)
def test_a_network_is_read_as_kubernetes_reads_it(text: object, read: str):
    assert str(parse_cidr(text)) == read
