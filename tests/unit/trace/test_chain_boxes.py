"""Walks through chains as boxes in boxes."""

from netlab.trace.chain_boxes import ChainBox, boxes
from netlab.trace.packet import RuleHit


def hit(chain: str, verdict: str, target: str = "", index: int | None = 1) -> RuleHit:
    return RuleHit(table="nat", chain=chain, index=index, verdict=verdict, target=target)


def outline(box: ChainBox) -> str:
    """Return a box as text: ``CHAIN(rule rule>INNER(...))``."""
    inside = [
        f"{entry.hit.verdict}{'>' + outline(entry.inner) if entry.inner else ''}"
        for entry in box.entries
    ]
    return f"{box.chain}({' '.join(inside)})"


def test_a_jump_holds_what_was_met_in_its_chain():
    hits = [
        hit("PREROUTING", "JUMP", "KUBE-SERVICES"),
        hit("KUBE-SERVICES", "GOTO", "KUBE-EXT"),
        hit("KUBE-EXT", "JUMP", "KUBE-MARK-MASQ"),
        hit("KUBE-MARK-MASQ", "CONTINUE", "MARK"),
        hit("KUBE-EXT", "JUMP", "KUBE-SVC", index=2),
        hit("KUBE-SVC", "ACCEPT", "DNAT"),
    ]

    [box] = boxes(hits)

    inner = "KUBE-EXT(JUMP>KUBE-MARK-MASQ(CONTINUE) JUMP>KUBE-SVC(ACCEPT))"
    assert outline(box) == f"PREROUTING(JUMP>KUBE-SERVICES(GOTO>{inner}))"


def test_a_chain_that_came_back_with_nothing_done_is_empty():
    hits = [hit("FORWARD", "JUMP", "FIREWALL"), hit("FORWARD", "ACCEPT", index=2)]

    assert [outline(box) for box in boxes(hits)] == ["FORWARD(JUMP>FIREWALL() ACCEPT)"]


def test_each_built_in_chain_is_a_box_of_its_own():
    hits = [hit("PREROUTING", "ACCEPT"), hit("INPUT", "DROP")]

    assert [outline(box) for box in boxes(hits)] == ["PREROUTING(ACCEPT)", "INPUT(DROP)"]


def test_no_hit_is_lost_when_the_walk_has_gaps():
    hits = [hit("A", "JUMP", "B"), hit("C", "ACCEPT"), hit("B", "RETURN")]

    assert [outline(box) for box in boxes(hits)] == ["A(JUMP>B())", "C(ACCEPT)", "B(RETURN)"]
    assert boxes([]) == ()
