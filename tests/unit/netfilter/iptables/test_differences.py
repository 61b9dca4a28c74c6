"""What is wrong with a kernel's rules, beside what they should be."""

import pytest

from netlab.model.addresses import Family
from netlab.netfilter.iptables.differences import Side, differences
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.rules import Ruleset

WANT = """\
*nat
:POSTROUTING ACCEPT
:A - [0:0]
-A POSTROUTING -j A
-A A -j RETURN
-A A -j MASQUERADE
COMMIT
"""


def ruleset(text: str) -> Ruleset:
    return parse(text, Family.IPV4)


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param(WANT, [], id="the same"),
        pytest.param(
            WANT.replace("-A A -j RETURN\n", ""),
            [("A", Side.WANTED, "-A A -j RETURN")],
            id="a rule is missing",
        ),
        pytest.param(
            WANT.replace("COMMIT", "-A A -j ACCEPT\nCOMMIT"),
            [("A", Side.KERNEL, "-A A -j ACCEPT")],
            id="a rule is too much",
        ),
        pytest.param(
            WANT.replace(":A - [0:0]\n", ":A - [0:0]\n:MINE - [0:0]\n"),
            [("MINE", Side.KERNEL, ":MINE -")],
            id="another's chain, empty",
        ),
        pytest.param(
            "",
            [
                ("A", Side.WANTED, ":A -"),
                ("A", Side.WANTED, "-A A -j RETURN"),
                ("A", Side.WANTED, "-A A -j MASQUERADE"),
                ("POSTROUTING", Side.WANTED, "-A POSTROUTING -j A"),
            ],
            id="all is gone",
        ),
    ],
)
def test_each_side_is_told_what_the_other_has_not(held: str, expected: list[tuple[str, Side, str]]):
    found = differences(ruleset(WANT), ruleset(held))
    assert [(one.chain, one.only, one.text) for one in found] == expected
    assert {one.table for one in found} <= {"nat"}


def test_rules_in_another_order_are_told_twice():
    turned = WANT.replace(
        "-A A -j RETURN\n-A A -j MASQUERADE", "-A A -j MASQUERADE\n-A A -j RETURN"
    )
    found = differences(ruleset(WANT), ruleset(turned))
    assert sorted(one.only for one in found) == [Side.KERNEL, Side.WANTED]
    assert len({one.text for one in found}) == 1
