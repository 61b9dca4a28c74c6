import pytest

from netlab.netfilter.iptables.parse_target import parse_target
from netlab.netfilter.iptables.targets import Jump, OtherTarget, SetMark, Target

CHAINS = frozenset({"KUBE-SERVICES", "LOG"})

KNOWN = [
    "-j KUBE-SERVICES",
    "-g KUBE-SERVICES",
    "-j RETURN",
    "-j ACCEPT",
    "-j DROP",
    "-j REJECT --reject-with tcp-reset",
    "-j MASQUERADE",
    "-j MASQUERADE --random-fully",
    "-j DNAT --to-destination 10.0.0.1:80",
    "-j DNAT --to-destination [2001:db8::1]:80",
    "-j DNAT --to-destination 2001:db8::1",
    "-j SNAT --to-source 192.0.2.3",
    "-j MARK --set-xmark 0x4000/0x0",
]

OTHER = [
    "-j TRACE",
    "-j DNAT --to-destination 10.0.0.1-10.0.0.9",
    "-j DNAT --to-destination 10.0.0.1:80 --random",
    "-j SNAT --to-source 192.0.2.3:1-9",
    "-j MARK --shift 3",
    "-j MARK --set-mark blue",
    "-j MASQUERADE --to-ports 1024-2048",
    "-j",
]


@pytest.mark.parametrize("text", KNOWN)
def test_known_target_has_a_value_and_reads_the_same(text: str):
    target = parse_target(text.split(), CHAINS)
    assert not isinstance(target, OtherTarget)
    assert str(target) == text


@pytest.mark.parametrize("text", OTHER)
def test_other_target_keeps_its_words(text: str):
    assert parse_target(text.split(), CHAINS) == OtherTarget(tuple(text.split()))


def test_a_chain_may_be_called_like_a_target():
    assert parse_target(["-j", "LOG"], CHAINS) == Jump("LOG")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--or-mark 0x4000", SetMark(0x4000, 0x4000)),
        ("--xor-mark 0x4000", SetMark(0x4000, 0)),
        ("--and-mark 0xff", SetMark(0, 0xFFFF_FF00)),
        ("--set-mark 0x1/0x0", SetMark(1, 1)),
        ("--set-mark 0x1", SetMark(1)),
    ],
    ids=["or", "xor", "and", "set under a mask", "set"],
)
def test_every_way_to_set_a_mark_is_one(text: str, expected: Target):
    assert parse_target(["-j", "MARK", *text.split()], CHAINS) == expected
