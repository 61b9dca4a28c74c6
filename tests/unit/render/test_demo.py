"""Findings of an experiment as text."""

from netlab.render.demo import render_finding, render_verdict
from netlab.render.path import Style
from netlab.trace.findings import Finding

STYLE = Style(width=80, names={})


def finding(*, holds: bool) -> Finding:
    return Finding(
        command="sudo netlab exec client -- curl -s http://10.240.0.4:31704",
        document="the client's address is hidden: the pod sees 10.240.0.4",
        kernel="client_address=10.240.0.4",
        holds=holds,
        connection=None,
        lesson="The node rewrites the source to its own address so that the answer comes back "
        "through it.",
    )


STEP = """\
2. $ sudo netlab exec client -- curl -s http://10.240.0.4:31704
   document  the client's address is hidden: the pod sees 10.240.0.4
   kernel    client_address=10.240.0.4
             PASS

The caller's own routing refused it: no packet was sent.

   lesson    The node rewrites the source to its own address so that the answer
             comes back through it.
"""


def test_a_step_reads_from_the_command_to_the_lesson():
    assert render_finding(2, finding(holds=True), STYLE) == STEP


def test_a_step_that_does_not_hold_says_so():
    assert "FAIL" in render_finding(1, finding(holds=False), STYLE)


def test_the_verdict_counts_the_steps():
    assert render_verdict([finding(holds=True)] * 3) == (
        "The kernel did what the document says in all 3 steps."
    )
    assert render_verdict([finding(holds=True), finding(holds=False)]) == (
        "The kernel did what the document says in 1 of 2 steps."
    )
