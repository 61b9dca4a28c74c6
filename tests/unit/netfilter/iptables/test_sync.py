import pytest

from netlab.kubeproxy.names import KUBE_PROXY
from netlab.model.addresses import Family
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.iptables.sync import sync_text


def ruleset(*lines: str, table: str = "nat"):
    return parse("\n".join([f"*{table}", *lines, "COMMIT", ""]), Family.IPV4)


WANT = ruleset(
    ":PREROUTING ACCEPT [0:0]",
    ":KUBE-SERVICES - [0:0]",
    ":KUBE-SVC-A - [0:0]",
    "-A PREROUTING -j KUBE-SERVICES",
    "-A KUBE-SERVICES -d 10.0.0.1/32 -j KUBE-SVC-A",
    "-A KUBE-SVC-A -j RETURN",
)
DECLARED = (":PREROUTING ACCEPT [0:0]", ":KUBE-SERVICES - [0:0]", ":KUBE-SVC-A - [0:0]")
FILLED = ("-A KUBE-SERVICES -d 10.0.0.1/32 -j KUBE-SVC-A", "-A KUBE-SVC-A -j RETURN")
NOTHING = parse("", Family.IPV4)


def body(want: Ruleset, have: Ruleset):
    """The lines between a table's name and its COMMIT."""
    return sync_text(want, have, KUBE_PROXY).splitlines()[1:-1]


def test_nothing_differs_nothing_is_said():
    assert sync_text(WANT, WANT, KUBE_PROXY) == ""
    assert sync_text(NOTHING, NOTHING, KUBE_PROXY) == ""


def test_from_nothing_all_is_laid():
    assert sync_text(WANT, NOTHING, KUBE_PROXY) == (
        "*nat\n"
        ":KUBE-SERVICES - [0:0]\n"
        ":KUBE-SVC-A - [0:0]\n"
        "-I PREROUTING -j KUBE-SERVICES\n"
        "-A KUBE-SERVICES -d 10.0.0.1/32 -j KUBE-SVC-A\n"
        "-A KUBE-SVC-A -j RETURN\n"
        "COMMIT\n"
    )


@pytest.mark.parametrize(
    ("have", "expected"),
    [
        (
            ruleset(*DECLARED, "-A PREROUTING -j KUBE-SERVICES", FILLED[0]),
            [":KUBE-SVC-A - [0:0]", "-A KUBE-SVC-A -j RETURN"],
        ),
        (
            ruleset(
                *DECLARED,
                ":KUBE-SVC-OLD - [0:0]",
                ":KUBE-SEP-OLD - [0:0]",
                "-A PREROUTING -j KUBE-SERVICES",
                *FILLED,
                "-A KUBE-SVC-OLD -j KUBE-SEP-OLD",
            ),
            [
                ":KUBE-SEP-OLD - [0:0]",
                ":KUBE-SVC-OLD - [0:0]",
                "-X KUBE-SEP-OLD",
                "-X KUBE-SVC-OLD",
            ],
        ),
        (ruleset(*DECLARED, *FILLED), ["-I PREROUTING -j KUBE-SERVICES"]),
        (
            ruleset(
                *DECLARED,
                ":DOCKER - [0:0]",
                "-A PREROUTING -j DOCKER",
                "-A PREROUTING -j KUBE-SERVICES",
                *FILLED,
                "-A DOCKER -j RETURN",
            ),
            [],
        ),
        (
            ruleset(
                *DECLARED,
                "-A PREROUTING -j KUBE-SERVICES",
                "-A PREROUTING -j RETURN",
                "-A PREROUTING -j KUBE-SERVICES",
                *FILLED,
            ),
            [*["-D PREROUTING -j KUBE-SERVICES"] * 2, "-I PREROUTING -j KUBE-SERVICES"],
        ),
        (
            ruleset(
                *DECLARED,
                ":MINE - [0:0]",
                ":KUBE-SVC-OLD - [0:0]",
                "-A PREROUTING -j KUBE-SERVICES",
                *FILLED,
                "-A MINE -g KUBE-SVC-OLD",
                "-A KUBE-SVC-OLD -j RETURN",
            ),
            [":KUBE-SVC-OLD - [0:0]"],
        ),
        (
            ruleset(
                *DECLARED,
                ":MINE - [0:0]",
                ":KUBE-SVC-OLD - [0:0]",
                "-A PREROUTING -j KUBE-SERVICES",
                *FILLED,
                "-A MINE -g KUBE-SVC-OLD",
            ),
            [],
        ),
        (
            ruleset(
                ":PREROUTING DROP [0:0]", *DECLARED[1:], "-A PREROUTING -j KUBE-SERVICES", *FILLED
            ),
            [],
        ),
    ],
    ids=[
        "a chain that lost a rule is refilled, and no other",
        "stale chains are emptied before they are deleted",
        "a jump that is absent is put at the top",
        "others' chains and rules, and our jump behind them, stay",
        "a jump that is there twice is made one",
        "a stale chain others lead to is emptied only",
        "a stale chain others lead to stays empty",
        "a policy is its owner's",
    ],
)
def test_least_text(have: Ruleset, expected: list[str]):
    assert body(WANT, have) == expected


def test_jumps_come_to_lie_in_the_wanted_order():
    want = ruleset(
        ":INPUT ACCEPT [0:0]",
        ":A - [0:0]",
        ":B - [0:0]",
        "-A INPUT -j A",
        "-A INPUT -j B",
        table="filter",
    )
    have = ruleset(
        ":INPUT ACCEPT [0:0]", ":A - [0:0]", ":B - [0:0]", "-A INPUT -j B", table="filter"
    )
    assert body(want, have) == ["-D INPUT -j B", "-I INPUT -j B", "-I INPUT -j A"]


def test_each_table_is_one_part_of_one_text():
    want = parse("*nat\n:KUBE-A - [0:0]\nCOMMIT\n*filter\n:KUBE-A - [0:0]\nCOMMIT\n", Family.IPV4)
    assert sync_text(want, NOTHING, KUBE_PROXY) == (
        "*filter\n:KUBE-A - [0:0]\nCOMMIT\n*nat\n:KUBE-A - [0:0]\nCOMMIT\n"
    )


def test_a_table_that_is_not_wanted_loses_its_stale_chains():
    have = ruleset(":KUBE-SVC-OLD - [0:0]")
    assert body(NOTHING, have) == [":KUBE-SVC-OLD - [0:0]", "-X KUBE-SVC-OLD"]
