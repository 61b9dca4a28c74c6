"""What an entry's two tuples say of NAT, and which entries are wanted."""

from ipaddress import ip_address

import pytest

from netlab.model.packets import AddressPair, AddrPort, Nat
from netlab.sources.conntrack_entries import Tracked
from netlab.trace.conntrack import Selection, in_order, service_of


def end(text: str) -> AddrPort:
    address, _, port = text.rpartition(":")
    return AddrPort(ip_address(address.strip("[]")), int(port))


def tracked(original: str, reply: str, protocol: str = "tcp", identity: int = 1) -> Tracked:
    """Return an entry; a tuple is ``SOURCE > DESTINATION``."""
    pairs = [AddressPair(*map(end, text.split(" > "))) for text in (original, reply)]
    return Tracked(identity=identity, protocol=protocol, original=pairs[0], reply=pairs[1])


CALL = "198.51.100.79:40000 > 10.240.0.4:30080"
PLAIN = tracked(CALL, "10.240.0.4:30080 > 198.51.100.79:40000")
DNAT = tracked(CALL, "10.244.1.2:8080 > 198.51.100.79:40000")
BOTH = tracked(CALL, "10.244.1.2:8080 > 10.240.0.4:5555")
SNAT = tracked("10.244.1.2:40000 > 192.0.2.9:53", "192.0.2.9:53 > 10.240.0.3:40000", "udp")
PORT_ONLY = tracked("10.0.0.1:5 > 10.0.0.2:80", "10.0.0.2:80 > 10.0.0.1:1024")

DOORS = {("tcp", end("10.240.0.4:30080")): "default/web:http"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param(PLAIN, [], id="mirrored tuples rewrite nothing"),
        pytest.param(DNAT, [(Nat.DNAT, "10.244.1.2:8080")], id="DNAT alone"),
        pytest.param(
            BOTH,
            [(Nat.DNAT, "10.244.1.2:8080"), (Nat.SNAT, "10.240.0.4:5555")],
            id="DNAT and SNAT in the order of a packet",
        ),
        pytest.param(SNAT, [(Nat.SNAT, "10.240.0.3:40000")], id="masquerade"),
        pytest.param(PORT_ONLY, [(Nat.SNAT, "10.0.0.1:1024")], id="another port is SNAT too"),
    ],
)
def test_nat_is_where_the_tuples_are_no_mirror_of_each_other(
    entry: Tracked, said: list[tuple[Nat, str]]
):
    assert [(one.kind, str(one.after)) for one in entry.translations()] == said


def test_a_service_is_known_by_what_was_called():
    assert service_of(BOTH, DOORS) == "default/web:http"
    assert service_of(SNAT, DOORS) == ""


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        pytest.param(Selection(), [PLAIN, BOTH, SNAT], id="all"),
        pytest.param(Selection(protocol="udp"), [SNAT], id="a protocol"),
        pytest.param(Selection(nat_only=True), [BOTH, SNAT], id="only NAT"),
        pytest.param(Selection(service="default/web"), [PLAIN, BOTH], id="all ports of a Service"),
        pytest.param(Selection(service="default/web:http"), [PLAIN, BOTH], id="one port of it"),
        pytest.param(Selection(service="default/web:tls"), [], id="another port"),
        pytest.param(Selection(service="default/we"), [], id="no prefix of a name"),
        pytest.param(Selection(service="default/web", nat_only=True), [BOTH], id="both"),
    ],
)
def test_a_selection_wants_what_fits_all_of_it(selection: Selection, wanted: list[Tracked]):
    assert [one for one in (PLAIN, BOTH, SNAT) if selection.wants(one, DOORS)] == wanted


def test_the_order_is_by_protocol_and_addresses_as_numbers():
    six = tracked("[2001:db8::1]:1 > [2001:db8::2]:2", "[2001:db8::2]:2 > [2001:db8::1]:1")
    nine = tracked("9.0.0.1:1 > 9.0.0.2:2", "9.0.0.2:2 > 9.0.0.1:1")
    ten = tracked("10.0.0.1:1 > 10.0.0.2:2", "10.0.0.2:2 > 10.0.0.1:1")

    assert in_order([SNAT, six, ten, nine]) == [nine, ten, six, SNAT]
    assert in_order([nine, ten, SNAT, six]) == [nine, ten, six, SNAT]
