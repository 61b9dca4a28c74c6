from fractions import Fraction
from ipaddress import ip_address

import pytest

from netlab.errors import SpecError
from netlab.model.addresses import Family
from netlab.model.packets import Protocol
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.walk import Walker
from netlab.netfilter.verdicts import Packet, Verdict

NODE = ip_address("192.0.2.1")


def walker(*rules: str, chains: str = "", policy: str = "ACCEPT"):
    """A walker of one node; each rule begins with its table."""
    texts = []
    for table, hooks in {"nat": "PREROUTING OUTPUT POSTROUTING", "filter": "INPUT FORWARD"}.items():
        lines = [f"*{table}"]
        lines += [
            f":{hook} {policy if table == 'filter' else 'ACCEPT'} [0:0]" for hook in hooks.split()
        ]
        lines += [f":{chain} - [0:0]" for chain in chains.split()]
        lines += [rule.removeprefix(f"{table} ") for rule in rules if rule.startswith(f"{table} ")]
        texts += [*lines, "COMMIT"]
    return Walker(parse("\n".join([*texts, ""]), Family.IPV4), [NODE])


def packet(source: str = "198.51.100.7", destination: str = "10.0.0.1", **more: object):
    return Packet(
        source=ip_address(source),
        destination=ip_address(destination),
        protocol=Protocol.TCP,
        destination_port=80,
        **more,
    )


def ends(walker: Walker, packet: Packet):
    return [(one.verdict, one.endpoint, one.chance) for one in walker.walk(packet)]


TO_A = "nat -A PREROUTING -d 10.0.0.1/32 -j DNAT --to-destination 10.244.0.2:8080"
TAKES = {
    "a rewritten destination is met by FORWARD": (
        (TO_A, "filter -A FORWARD -d 10.244.0.2/32 -j DROP"),
        packet(),
        Verdict.DROP,
    ),
    "FORWARD no longer sees the address that was asked for": (
        (TO_A, "filter -A FORWARD -d 10.0.0.1/32 -j DROP"),
        packet(),
        Verdict.ENDPOINTS,
    ),
    "a packet for the node meets INPUT": (
        ("filter -A INPUT -p tcp -m tcp --dport 80 -j REJECT", "filter -A FORWARD -j DROP"),
        packet(destination="192.0.2.1"),
        Verdict.REJECT,
    ),
    "what the node sends itself meets INPUT by lo": (
        ("filter -A INPUT -i lo -j ACCEPT", "filter -A INPUT -j DROP"),
        packet(source="192.0.2.1", destination="192.0.2.1", is_made_here=True),
        Verdict.ACCEPT,
    ),
    "what the node sends does not meet PREROUTING": (
        (TO_A,),
        packet(source="192.0.2.1", is_made_here=True),
        Verdict.NONE,
    ),
    "an established connection is not translated by rules": (
        (TO_A,),
        packet(states=frozenset({"ESTABLISHED"})),
        Verdict.NONE,
    ),
    "a translated connection is in state DNAT": (
        (TO_A, "filter -A FORWARD -m conntrack ! --ctstate DNAT -j DROP"),
        packet(),
        Verdict.ENDPOINTS,
    ),
    "a mark that nat sets is read in filter": (
        (
            "nat -A PREROUTING -j MARK --set-xmark 0x4000/0x4000",
            "filter -A FORWARD -m mark --mark 0x4000/0x4000 -j REJECT",
        ),
        packet(mark=1),
        Verdict.REJECT,
    ),
    "a source that no list holds is not recent": (
        ("filter -A FORWARD -m recent --rcheck --seconds 60 --reap --name L -j DROP",),
        packet(),
        Verdict.NONE,
    ),
    "a rule that only logs or counts goes on": (
        ("filter -A FORWARD -j LOG", "filter -A FORWARD", "filter -A FORWARD -j DROP"),
        packet(),
        Verdict.DROP,
    ),
    "a packet whose way in nobody knows is by no interface": (
        ("filter -A FORWARD ! -i cali+ -j DROP",),
        packet(),
        Verdict.DROP,
    ),
    "a name's beginning stands for every interface that has it": (
        ("filter -A FORWARD ! -i cali+ -j DROP",),
        packet(in_interface="cali7"),
        Verdict.NONE,
    ),
    "all of 127.0.0.0/8 is local": (
        ("filter -A INPUT -m addrtype --dst-type LOCAL -j REJECT",),
        packet(destination="127.9.9.9"),
        Verdict.REJECT,
    ),
}


@pytest.mark.parametrize(("rules", "sent", "verdict"), TAKES.values(), ids=TAKES)
def test_packet_takes_the_kernels_way(rules: tuple[str, ...], sent: Packet, verdict: Verdict):
    [(found, _, chance)] = ends(walker(*rules), sent)
    assert (found, chance) == (verdict, 1)


def test_policy_decides_where_no_rule_does():
    rules = walker("filter -A FORWARD -s 198.51.100.7/32 -j ACCEPT", policy="DROP")
    assert ends(rules, packet())[0][0] is Verdict.ACCEPT
    assert ends(rules, packet(source="198.51.100.8"))[0][0] is Verdict.DROP


def test_return_and_the_end_of_a_chain_come_back_and_goto_does_not():
    rules = (
        "filter -A FORWARD -j A",
        "filter -A FORWARD -g B",
        "filter -A FORWARD -j DROP",
        "filter -A A -j RETURN",
        "filter -A A -j DROP",
        "filter -A B -p tcp",
    )
    [end] = walker(*rules, chains="A B").walk(packet())
    assert end.verdict is Verdict.NONE
    assert [hit.rule.chain for hit in end.hits] == ["FORWARD", "A", "FORWARD", "B"]


def test_dice_share_among_the_rules_after_them():
    def to(number: int, dice: str = ""):
        return f"nat -A PREROUTING {dice}-j DNAT --to-destination 10.244.0.{number}:80"

    die = "-m statistic --mode random --probability "
    rules = walker(to(1, f"{die}0.3333333333 "), to(2, f"{die}0.5000000000 "), to(3))
    third = Fraction(1, 3)
    assert ends(rules, packet()) == [
        (Verdict.ENDPOINTS, f"10.244.0.{number}:80", third) for number in (1, 2, 3)
    ]


def test_masquerading_and_another_source_are_told_apart():
    masquerade = "nat -A POSTROUTING -s 198.51.100.7/32 -j MASQUERADE"
    rules = walker(masquerade, "nat -A POSTROUTING -j SNAT --to-source 192.0.2.99")
    [first], [second] = rules.walk(packet()), rules.walk(packet(source="198.51.100.8"))
    assert (first.is_masqueraded, second.is_masqueraded) == (True, False)
    assert second.source == ip_address("192.0.2.99")


UNKNOWN = {
    "a match": ("filter -A FORWARD -m limit --limit 5/sec -j DROP", "limit"),
    "a target": ("filter -A FORWARD -j QUEUE", "QUEUE"),
}


@pytest.mark.parametrize(("rule", "told"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_nobody_can_know_is_not_guessed(rule: str, told: str):
    with pytest.raises(SpecError, match=told):
        walker(rule).walk(packet())


def test_chains_in_a_circle_end_the_walk():
    rules = ("filter -A FORWARD -j A", "filter -A A -g B", "filter -A B -j A")
    with pytest.raises(SpecError, match="FORWARD -> A -> B -> A"):
        walker(*rules, chains="A B").walk(packet())


def test_a_rule_is_asked_only_where_the_packet_comes_by():
    rules = walker("filter -A INPUT -m limit --limit 5/sec -j DROP")
    assert ends(rules, packet()) == [(Verdict.NONE, None, Fraction(1))]
