"""Steps of an experiment as text."""

from netlab.render.demo import (
    DOCUMENT,
    NETLAB,
    Step,
    render_closing,
    render_put_back,
    render_step,
    render_summary,
)
from netlab.render.trace.tree import TraceStyle, render_trace
from tests.unit.trace_samples import delivered

STYLE = TraceStyle(width=80)


def step(*, holds: bool, said_by: str = DOCUMENT) -> Step:
    return Step(
        command="sudo netlab exec client -- curl -s http://10.240.0.4:31704",
        said_by=said_by,
        statement="the client's address is hidden: the pod sees 10.240.0.4",
        kernel="client_address=10.240.0.4",
        holds=holds,
        trace=delivered(),
        lesson="The node rewrites the source to its own address so that the answer comes back "
        "through it.",
    )


BEFORE = """\
2. $ sudo netlab exec client -- curl -s http://10.240.0.4:31704
   document  the client's address is hidden: the pod sees 10.240.0.4
   kernel    client_address=10.240.0.4
             PASS

"""
AFTER = """
   lesson    The node rewrites the source to its own address so that the answer
             comes back through it.
"""


def test_a_step_reads_from_the_command_over_the_path_to_the_lesson():
    path = render_trace(delivered(), STYLE)
    assert render_step(2, step(holds=True), STYLE) == f"{BEFORE}{path}{AFTER}"


def test_the_path_of_a_step_names_the_rule_that_decided():
    assert "by nat KUBE-SEP-AAAA #1" in render_step(2, step(holds=True), STYLE)


def test_a_step_that_is_not_drawn_is_judged_all_the_same():
    text = render_step(2, step(holds=True), STYLE, is_drawn=False)
    assert text == BEFORE.removesuffix("\n")


def test_a_step_that_does_not_hold_says_so():
    assert "FAIL" in render_step(1, step(holds=False), STYLE)


def test_the_summary_counts_what_the_document_says_apart_from_what_netlab_expects():
    assert render_summary([step(holds=True)] * 3) == (
        "The kernel did what the document says in all 3 steps."
    )
    assert render_summary([step(holds=True), step(holds=False)]) == (
        "The kernel did what the document says in 1 of 2 steps."
    )
    assert render_summary([step(holds=True)] * 2 + [step(holds=True, said_by=NETLAB)]) == (
        "The kernel did what the document says in all 2 steps,"
        " and what netlab expects in all 1 step."
    )


def test_what_only_netlab_expects_is_counted_alone():
    assert render_summary([step(holds=True, said_by=NETLAB)]) == (
        "The kernel did what netlab expects in all 1 step."
    )


def test_what_was_put_back_is_said_where_commands_would_meet_another_lab():
    said = render_put_back(["Pod caller-node1 is gone"], STYLE)
    assert said.endswith("before all was put back: Pod caller-node1 is gone.\n")
    assert render_put_back([], STYLE) == ""


def test_what_to_remember_comes_last():
    assert render_closing("Remember this.", STYLE) == "What to remember\n  Remember this.\n"
