"""What of a walk is worth a line."""

from netlab.trace.chain_walk import deciding
from netlab.trace.packet import RuleHit


def hit(chain: str, index: int | None, verdict: str, target: str = "", mark: int = 0) -> RuleHit:
    return RuleHit(table="nat", chain=chain, index=index, verdict=verdict, target=target, mark=mark)


def kept(*hits: RuleHit) -> list[str]:
    return [f"{one.chain} {one.index}" for one in deciding(hits)]


def test_a_jump_that_came_back_with_nothing_done_is_left_out():
    assert kept(
        hit("FORWARD", 1, "JUMP", "EMPTY"),
        hit("FORWARD", 2, "JUMP", "KUBE-FORWARD"),
        hit("KUBE-FORWARD", 3, "ACCEPT"),
    ) == ["FORWARD 2", "KUBE-FORWARD 3"]


def test_a_chain_that_is_entered_twice_keeps_both_ways_in():
    assert kept(
        hit("EXT", 1, "JUMP", "MARK"),
        hit("MARK", 1, "CONTINUE", mark=0x4000),
        hit("EXT", 2, "JUMP", "SVC", mark=0x4000),
        hit("SVC", 1, "ACCEPT", mark=0x4000),
    ) == ["EXT 1", "MARK 1", "EXT 2", "SVC 1"]


def test_returns_and_policies_that_let_go_on_are_left_out():
    assert kept(hit("A", 1, "RETURN"), hit("A", None, "ACCEPT")) == []


def test_a_policy_that_drops_is_kept():
    assert kept(hit("FORWARD", None, "DROP")) == ["FORWARD None"]
