"""Messages of the rule trace, as kernels of both ages send them."""

import struct

import pytest

from netlab.linux.netlink_messages import Message, attribute, be32, nested, string
from netlab.sources import rule_trace
from netlab.sources.rule_trace_messages import Report, TraceMessage
from netlab.trace.rules_by_handle import KnownRule
from netlab.trace.steps import rule_hit

POLICY, RETURN, RULE = 1, 2, 3
"""NFT_TRACETYPE_*."""
NFT_RETURN, NFT_CONTINUE, NFT_JUMP = -5, -1, -3
HANDLE = 10


def a_message(kind: int, *, verdict: int | None = None, handle: int | None = None) -> Message:
    """Return a trace message of chain ``out`` in table ``nat``."""
    body = (
        be32(rule_trace.ID, 7) + string(rule_trace.TABLE, "nat") + string(rule_trace.CHAIN, "out")
    )
    body += be32(rule_trace.TYPE, kind)
    if handle is not None:
        body += attribute(rule_trace.HANDLE, struct.pack(">Q", handle))
    if verdict is not None:
        body += nested(rule_trace.VERDICT, be32(1, verdict))
    return Message(rule_trace.NFT_MSG_TRACE, 0, bytes(4) + body)


def parsed(message: Message) -> TraceMessage:
    """Return what it says."""
    found = rule_trace.parse_trace(message, "node1", 0, {})
    assert found is not None
    return found


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(a_message(RETURN, verdict=NFT_RETURN, handle=HANDLE), id="before Linux 6.7"),
        pytest.param(a_message(RULE, verdict=NFT_RETURN, handle=HANDLE), id="since Linux 6.7"),
    ],
)
def test_a_rule_that_says_return_is_a_rule_on_every_kernel(message: Message) -> None:
    """It is part of the packet's path like every other rule that matched."""
    found = parsed(message)
    assert (found.report, found.handle, found.verdict) == (Report.RULE, HANDLE, "RETURN")
    rule = KnownRule(index=1, text="-j RETURN", comment="", target="RETURN")
    hit = rule_hit(found, {("nat", "out", HANDLE): rule})
    assert hit is not None
    assert (hit.text, hit.verdict) == ("-j RETURN", "RETURN")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(a_message(RETURN, verdict=NFT_CONTINUE), id="before Linux 6.7"),
        pytest.param(a_message(RULE, verdict=NFT_CONTINUE), id="since Linux 6.7"),
    ],
)
def test_the_plain_end_of_a_chain_is_no_rule_on_any_kernel(message: Message) -> None:
    """No rule has matched there."""
    assert rule_hit(parsed(message), {}) is None


@pytest.mark.parametrize(
    ("message", "report", "verdict"),
    [
        (a_message(RULE, verdict=NFT_JUMP, handle=HANDLE), Report.RULE, "JUMP"),
        (a_message(POLICY), Report.POLICY, ""),
    ],
)
def test_other_messages_are_what_their_type_says(
    message: Message, report: Report, verdict: str
) -> None:
    """A jump is a rule's, a policy the chain's."""
    assert (parsed(message).report, parsed(message).verdict) == (report, verdict)


def test_a_message_of_a_type_of_later_kernels_is_left_out() -> None:
    """What is not known is not guessed."""
    assert rule_trace.parse_trace(a_message(9), "node1", 0, {}) is None
