"""How a connection ended, in words: what happened, why, and what to try.

The verdict is over the whole conversation: all attempts, both directions, every packet seen.
"""

from collections.abc import Sequence
from dataclasses import replace

from netlab.model.packets import AddressPair, Nat
from netlab.sources.packet_key import is_icmp_error
from netlab.sources.routes import RouteQuestion
from netlab.trace.causes import explained
from netlab.trace.conversation import Conversation, conversation
from netlab.trace.delivery_causes import odd_delivery
from netlab.trace.drop_reasons import counted_cause, wording_of
from netlab.trace.outcomes import Result as Heard
from netlab.trace.packet import Packet, Reason, Result, Rewritten, Verdict
from netlab.trace.question import NOT_ASKED, Question
from netlab.trace.reply_causes import gone_astray, refused, unknown_source


def connection_verdict(packets: Sequence[Packet], question: Question) -> Verdict:
    """Return how a connection ended."""
    talk = conversation(packets)
    request = talk.request
    if request is None:
        return _unsent(question)
    if request.verdict.result is not Result.DELIVERED:
        return explained(request.verdict, request, question)
    if question.heard is Heard.ANSWERED:
        return _delivered(packets, request, question)
    return _without_answer(packets, talk, request, question)


def _delivered(packets: Sequence[Packet], request: Packet, question: Question) -> Verdict:
    reached = request.verdict
    cause = odd_delivery(packets, request, question)
    return replace(reached, words=f"delivered to {reached.host}", why=cause.why, hint=cause.hint)


def _without_answer(
    packets: Sequence[Packet], talk: Conversation, request: Packet, question: Question
) -> Verdict:
    if talk.replies:
        return _answered(packets, talk, request, question)
    if talk.resets:
        return _reset(talk, request, question)
    if talk.errors or question.heard is Heard.REFUSED:
        return refused(request, talk.arrived(talk.errors), question)
    return _silent(request, question)


def _answered(
    packets: Sequence[Packet], talk: Conversation, request: Packet, question: Question
) -> Verdict:
    """Return the end of a connection whose other end answered, and yet it came to nothing."""
    arrived = talk.arrived(talk.replies)
    if arrived is None:
        return _lost_reply(talk.replies[0], request, question)
    taken = taken_as(arrived)
    if taken is not None and taken.reversed() != question.pair and not is_icmp_error(arrived.key):
        reset = "" if not talk.caller_resets else f", and {question.caller} reset it"
        cause = unknown_source(request, arrived, question)
        return replace(
            request.verdict,
            result=Result.STRANGE,
            words=f"the reply of {request.verdict.host} came to {question.caller} from"
            f" {taken.source}{reset}",
            why=cause.why,
            hint=cause.hint,
        )
    return _cut_off(packets, request, question)


def _lost_reply(reply: Packet, request: Packet, question: Question) -> Verdict:
    host = request.verdict.host
    if reply.verdict.result is Result.DELIVERED:
        cause = gone_astray(request, reply, question)
        return replace(
            reply.verdict,
            result=Result.ASTRAY,
            words=f"{host} answered, but the reply went to {reply.verdict.host}, not to"
            f" {question.caller}",
            why=cause.why,
            hint=cause.hint,
        )
    lost = explained(reply.verdict, reply, question)
    return replace(lost, words=f"{host} answered, but the reply was {lost.words}")


def _reset(talk: Conversation, request: Packet, question: Question) -> Verdict:
    arrived = talk.arrived(talk.resets)
    if arrived is not None:
        taken = taken_as(arrived)
        if taken is not None and taken.reversed() != question.pair:
            cause = unknown_source(request, arrived, question)
            words = f"the refusal of {request.verdict.host} came to {question.caller} from"
            return replace(
                request.verdict,
                result=Result.STRANGE,
                words=f"{words} {taken.source}",
                why=cause.why,
                hint=cause.hint,
            )
        return refused(request, arrived, question)
    reset = talk.resets[0]
    if reset.verdict.result is Result.DELIVERED:
        return refused(request, reset, question)
    lost = explained(reset.verdict, reset, question)
    words = f"{request.verdict.host} refused, but its reset was {lost.words}"
    return replace(lost, words=words)


def _cut_off(packets: Sequence[Packet], request: Packet, question: Question) -> Verdict:
    """Return the end of a later packet for want of which a connection came to nothing."""
    for packet in packets:
        is_late = packet.time_ns > request.time_ns and not is_icmp_error(packet.key)
        if is_late and packet.verdict.result is not Result.DELIVERED:
            end = explained(packet.verdict, packet, question)
            words = f"the connection was made, but its packet {packet.kind} was {end.words}"
            return replace(end, words=words)
    reached = request.verdict
    if question.heard is not Heard.TIMEOUT:
        return replace(reached, words=f"delivered to {reached.host}")
    return replace(
        reached,
        result=Result.UNANSWERED,
        words=f"reached {reached.host}, which took the connection and sent no answer",
        why=f"the connection was made, and the program on {reached.host} said nothing",
        hint=question.inside(reached.host, "ss -tnp"),
    )


def _silent(request: Packet, question: Question) -> Verdict:
    """Return the end of a connection of which nothing came back from where it went."""
    reached = request.verdict
    rises = question.counted.get(reached.host, {})
    cause, source = counted_cause(rises, at_socket=True)
    if cause:
        reason = Reason(code=cause, host=reached.host, cause=cause, source=source)
        words = f"dropped on {reached.host}: {wording_of(reason, question.pair).words}"
        end = replace(reached, result=Result.DROPPED, reason=reason, words=words)
        return explained(end, request, question)
    back = _no_way_back(request, question)
    if back is not None:
        return back
    return replace(
        reached,
        result=Result.UNANSWERED,
        words=f"reached {reached.host}, and nothing left it in answer",
        why="the packet passed every rule and reached its host, but the program there did not"
        " answer",
        hint=question.inside(reached.host, "ss -ltnu"),
    )


def _no_way_back(request: Packet, question: Question) -> Verdict | None:
    """Return the end of a request whose receiver has no route to answer by; None where it has."""
    host, pair = request.verdict.host, request.last_pair()
    if pair is None:
        return None
    source = pair.source.address
    error = question.ask(RouteQuestion(host, source)).error
    if not error or error == NOT_ASKED:
        return None
    return replace(
        request.verdict,
        result=Result.UNANSWERED,
        words=f"reached {host}, which has no way to answer",
        why=f"{host} has {error} back to {source}, the address that the packet came from",
        hint=question.inside(host, f"ip route get {source}"),
    )


def taken_as(reply: Packet) -> AddressPair | None:
    """Return the addresses that the caller's socket knows a reply by."""
    pair = reply.last_pair()
    if pair is None:
        return None
    for step in reply.visits[-1].steps:
        if isinstance(step, Rewritten) and step.kind is Nat.UN_SNAT:
            pair = AddressPair(pair.source, step.after)
        elif isinstance(step, Rewritten):
            pair = AddressPair(step.after, pair.destination)
    return pair


def _unsent(question: Question) -> Verdict:
    target = question.pair.destination.address
    if not question.route_error:
        return Verdict(result=Result.LOST, host="", words="no packet of this connection was seen")
    return Verdict(
        result=Result.UNSENT,
        host=question.caller,
        words=f"{question.caller} sent nothing: {question.route_error} for {target}",
        why="the kernel looks for a route before it makes a packet; without one, no rule is asked",
        hint=question.inside(question.caller, f"ip route get {target}"),
    )
