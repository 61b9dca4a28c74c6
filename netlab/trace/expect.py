"""What a user expects of a trace, and whether it is so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.errors import ExpectationError, SpecError
from netlab.model.packets import AddrPort, Nat
from netlab.trace.packet import Reason, Result, Rewritten
from netlab.trace.trace import Trace

_PLAIN: Final = {result.value.replace(" ", "-"): result for result in Result}
_WITH_HOST: Final = ("hop", "no-hop", "to", "snat-at", "dnat-at")
_WITH_NAME: Final = (*_WITH_HOST, "src", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One thing that must hold."""

    kind: str
    """A result such as ``delivered``, or ``hop``, ``no-hop``, ``to``, ``src``, ``snat-at``,
    ``dnat-at``, ``reason``."""
    name: str = ""
    """A host; for ``src`` a host or an address; for ``reason`` the kernel's name of it."""

    def __str__(self) -> str:
        """Return it as the user types it."""
        return f"{self.kind} {self.name}".rstrip()


def parse_expectations(texts: Iterable[str]) -> tuple[Expectation, ...]:
    """Return the expectations that ``texts`` spell.

    Raises:
        SpecError: One of them is none.
    """
    return tuple(_parse(text) for text in texts)


def check(trace: Trace, expectations: Sequence[Expectation]) -> None:
    """Make sure that all of them hold.

    Raises:
        SpecError: One names a host that the lab does not have; to stay away from it says nothing.
        ExpectationError: Some do not; the message says of each what was found.
    """
    _know_hosts(trace, expectations)
    found = [f"expected {e}, but {why}" for e in expectations if (why := _unmet(trace, e))]
    if found:
        raise ExpectationError("\n".join(found))


def _know_hosts(trace: Trace, expectations: Sequence[Expectation]) -> None:
    known = [host.name for host in trace.hosts]
    for expectation in expectations:
        if known and expectation.kind in _WITH_HOST and expectation.name not in known:
            raise SpecError(
                f"--expect '{expectation}': lab {trace.lab} has no host {expectation.name}",
                hint=f"it has {', '.join(known)}",
            )


def _parse(text: str) -> Expectation:
    kind, _, name = text.strip().partition(" ")
    name = name.strip()
    if (kind in _PLAIN and not name) or (kind in _WITH_NAME and name):
        return Expectation(kind=kind, name=name)
    named = [f"'{word} {'CODE' if word == 'reason' else 'HOST'}'" for word in _WITH_NAME]
    known = [*_PLAIN, *named]
    raise SpecError(f"--expect {text!r} is not known", hint=f"there are {', '.join(known)}")


def _unmet(trace: Trace, expectation: Expectation) -> str:
    """Return what was found instead; empty when the expectation holds."""
    if expectation.kind in _PLAIN:
        holds = trace.verdict.result is _PLAIN[expectation.kind]
        return "" if holds else f"it was {trace.verdict.result}: {trace.verdict.words}"
    if expectation.kind == "reason":
        return _reason(trace.verdict.reason, expectation.name)
    request = trace.request()
    if request is None:
        return "no packet was seen"
    if expectation.kind == "src":
        return _source(trace, expectation.name)
    if expectation.kind in {"snat-at", "dnat-at"}:
        return _nat(trace, expectation)
    return _hop(request.hosts(), expectation)


def _reason(found: Reason | None, name: str) -> str:
    if found is None:
        return "the kernel gave no reason"
    return "" if found.code == name else f"the kernel's reason was {found.code or 'nameless'}"


def _hop(hosts: Sequence[str], expectation: Expectation) -> str:
    holds = {
        "hop": expectation.name in hosts,
        "no-hop": expectation.name not in hosts,
        "to": hosts[-1] == expectation.name,
    }
    return "" if holds[expectation.kind] else f"the request went {' > '.join(hosts)}"


def _source(trace: Trace, name: str) -> str:
    request = trace.request()
    pair = request.last_pair() if request else None
    if pair is None:
        return "no packet was seen"
    address = str(pair.source.address)
    known = trace.names.get(address, "")
    return "" if name in {address, known} else f"the last host saw {_spelt(pair.source, known)}"


def _spelt(end: AddrPort, known: str) -> str:
    return f"{end.address} ({known})" if known else str(end.address)


def _nat(trace: Trace, expectation: Expectation) -> str:
    wanted = Nat.SNAT if expectation.kind == "snat-at" else Nat.DNAT
    request = trace.request()
    steps = request.steps() if request else []
    at = [host for host, s in steps if isinstance(s, Rewritten) and s.kind is wanted]
    if expectation.name in at:
        return ""
    return f"{wanted} was seen at {', '.join(at)}" if at else f"no {wanted} was seen"
