import pytest

from netlab.model.addresses import Family
from netlab.netfilter.iptables.matches import Comment, RecentCheck, RecentSet, Statistic
from netlab.netfilter.iptables.rules import rule
from netlab.netfilter.iptables.save_format import printed
from netlab.netfilter.iptables.targets import Drop, Reject


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (
            rule("X", Statistic(1 / 3), target=Drop()),
            "-A X -m statistic --mode random --probability 0.33333333349 -j DROP",
        ),
        (
            rule("X", RecentSet("L")),
            "-A X -m recent --set --name L --mask 255.255.255.255 --rsource",
        ),
        (
            rule("X", RecentCheck("L", 60)),
            "-A X -m recent --rcheck --seconds 60 --reap --name L --mask 255.255.255.255 --rsource",
        ),
        (rule("X", target=Reject()), "-A X -j REJECT --reject-with icmp-port-unreachable"),
        (rule("X", target=Reject("tcp-reset")), "-A X -j REJECT --reject-with tcp-reset"),
        (rule("X", Comment("a b")), '-A X -m comment --comment "a b"'),
    ],
    ids=[
        "a probability of 31 bits",
        "whom recent writes down",
        "whom recent looks for",
        "the default of REJECT",
        "another message of REJECT",
        "what is printed as it was told",
    ],
)
def test_a_rule_is_printed_as_iptables_save_does(made: object, line: str):
    assert printed(made, Family.IPV4) == line


def test_defaults_are_the_familys():
    line = printed(rule("X", RecentSet("L"), target=Reject()), Family.IPV6)
    assert line.endswith(
        "--mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource"
        " -j REJECT --reject-with icmp6-port-unreachable"
    )
