"""What a trace writes beside its frames."""

from dataclasses import replace

from netlab.render.trace.comments import commented_hops, trace_summary
from netlab.trace.packet import Reason
from tests.unit.trace_samples import RULES, delivered, dropped


def test_each_hop_is_counted_and_the_first_says_what_the_packet_is():
    request = [found for found in commented_hops(delivered()) if found.packet == 1]
    assert [found.comments[0] for found in request] == [
        "hop 1: out of client:eth0",
        "hop 2: into node2:eth0",
        "hop 3: out of node2:eth0",
        "hop 4: into web:eth0",
    ]
    assert request[0].comments[1] == "SYN of the request, attempt 1"


def test_rules_and_rewrites_stand_where_the_packet_left_the_host():
    request = [found for found in commented_hops(delivered()) if found.packet == 1]
    assert request[1].comments[1:] == ()
    told = " / ".join(request[2].comments)
    assert "KUBE-SEP-AAAA #1 DNAT" in told
    assert "✎ DNAT node2:30080 ⇒ web:8080  (by nat KUBE-SEP-AAAA #1)" in told
    assert "✎ SNAT client:40000 ⇒ node2:7777  (by nat POSTROUTING #1)" in told


def test_the_last_hop_says_how_the_packet_ended():
    [_, node2, *_] = commented_hops(dropped())
    assert node2.comments[-1] == "dropped on node2 by filter INPUT #1"


def test_the_last_hop_also_says_what_the_kernel_called_it():
    trace = dropped()
    reason = Reason(code="NETFILTER_DROP", host="node2", cause="NETFILTER_DROP")
    packets = [replace(p, verdict=replace(p.verdict, reason=reason)) for p in trace.packets]

    [_, node2, *_] = commented_hops(replace(trace, packets=tuple(packets)))

    assert node2.comments[-1] == "kernel NETFILTER_DROP on node2 [both sources agree]"


def test_a_summary_says_who_called_what_and_how_it_ended():
    trace = replace(dropped(), warnings=("rules changed",))
    first, second, *rest = trace_summary(trace)
    assert first.startswith("netlab trace client http://node2:30080 (lab default")
    assert second.startswith("dropped: dropped on node2 by filter INPUT #1")
    assert rest[-1] == "rules changed"


def test_a_hostile_comment_of_a_rule_is_escaped():
    rules = RULES.replace('"default/web:http"', '"default/web:ht\x1b[31mtp"')
    told = [c for found in commented_hops(delivered(rules)) for c in found.comments]
    assert not any("\x1b" in comment for comment in told)
