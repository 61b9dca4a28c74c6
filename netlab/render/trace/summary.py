"""The sentence a teacher would say of a trace: what this connection shows about the network."""

from netlab.model.hosts import HostKind
from netlab.model.packets import Nat
from netlab.trace.packet import Packet, Result, Rewritten, Routed
from netlab.trace.trace import Trace


def summary(trace: Trace) -> str:
    """Return one sentence; it says nothing that the trace does not hold."""
    verdict = trace.verdict
    request = trace.request()
    if verdict.result is not Result.DELIVERED or request is None:
        # Of a missing route the words say all.
        why = "" if isinstance(verdict.by, Routed) and verdict.by.error else verdict.why
        words = f"{verdict.words}: {why}" if why else verdict.words
        return _sentence(trace, words)
    told = _delivered(trace, request)
    return _sentence(trace, f"{told}; {verdict.why}" if verdict.why else told)


def _delivered(trace: Trace, request: Packet) -> str:
    receiver = request.hosts()[-1]
    who = "the pod" if _kind(trace, receiver) is HostKind.POD else receiver
    chosen, hidden = _rewritten(request, Nat.DNAT), _hidden(request)
    if chosen is None and hidden is None and receiver == trace.caller:
        return f"no NAT was at work: {trace.caller} called itself"
    if trace.onward is not None:
        return (
            f"the connection ends at {receiver}, a proxy, which makes one of its own to"
            f" {trace.onward.pair.destination}: there {receiver} is the caller"
        )
    if chosen is None and hidden is None:
        return f"no NAT was at work: {trace.caller} and {who} see each other's own addresses"
    if hidden is None:
        assert chosen is not None  # noqa: S101 (the case above)
        seen = _seen(trace, request)
        also = " and the source port" if _rewritten(request, Nat.SNAT) else " only"
        rewrote = f"{chosen[0]} rewrote the destination{also}"
        return f"{who} sees its caller's own address, {seen}: {rewrote}"
    if receiver == trace.caller:
        return (
            f"{who} called itself through {_service(trace)}: {hidden[0]} replaced the source with"
            f" its own address, {hidden[1].after.address}; otherwise the answer would never leave"
            f" the pod, and would not come from the address that was called"
        )
    seen = f"{_seen(trace, request)}{_instead(trace, request)}"
    return f"{who} sees {seen}: {_masqueraded(trace, request, hidden[0], chosen)}"


def _masqueraded(
    trace: Trace, request: Packet, host: str, chosen: tuple[str, Rewritten] | None
) -> str:
    several = [
        f"{at} put {step.after.address}"
        for at, step in request.steps()
        if isinstance(step, Rewritten)
        and step.kind is Nat.SNAT
        and step.before.address != step.after.address
    ]
    if len(several) > 1:
        return f"as the source, {', then '.join(several)}"
    sent = f"{host} sent the request on" if chosen else f"{host} let the request through"
    words = f"{sent} with its own address as the source"
    hosts = request.hosts()
    later = hosts[hosts.index(host) + 1 :]
    if chosen and any(_kind(trace, one) is HostKind.NODE for one in later):
        return f"{words}, so that the answer comes back to {host}, which alone can undo the NAT"
    return words


def _instead(trace: Trace, request: Packet) -> str:
    pair = request.last_pair()
    same = pair is not None and trace.names.get(str(pair.source.address)) == trace.caller
    return "" if same else f", not {trace.caller}"


def _service(trace: Trace) -> str:
    return f"Service {trace.service}" if trace.service else "a Service"


def _rewritten(packet: Packet, kind: Nat) -> tuple[str, Rewritten] | None:
    found = (
        (host, step)
        for host, step in packet.steps()
        if isinstance(step, Rewritten) and step.kind is kind
    )
    return next(found, None)


def _hidden(packet: Packet) -> tuple[str, Rewritten] | None:
    """Return what put another source address in; a port alone hides nobody."""
    found = _rewritten(packet, Nat.SNAT)
    if found is None or found[1].before.address == found[1].after.address:
        return None
    return found


def _seen(trace: Trace, request: Packet) -> str:
    pair = request.last_pair()
    if pair is None:
        return "another address"
    address = str(pair.source.address)
    name = trace.names.get(address)
    return f"{name} ({address})" if name else address


def _kind(trace: Trace, host: str) -> HostKind | None:
    return next((one.kind for one in trace.hosts if one.name == host), None)


def _sentence(trace: Trace, text: str) -> str:
    """Return text as a sentence; a host's name keeps its letters as they are."""
    text = text.rstrip(".")
    starts_with_name = text.split(" ")[0].rstrip(":") in {host.name for host in trace.hosts}
    return f"{text if starts_with_name else text[:1].upper() + text[1:]}."
