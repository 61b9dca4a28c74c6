"""Tracked connections as a table, as lines, or as JSON (``netlab.conntrack/1``).

``netlab/render/conntrack.schema.json`` describes the JSON.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from netlab.model.addresses import Address
from netlab.model.packets import AddressPair, AddrPort
from netlab.render.table import table
from netlab.sources.conntrack_entries import Change, Changed, Tracked
from netlab.trace.conntrack import ServiceAddresses, service_of

SCHEMA: Final = "netlab.conntrack/1"
_INDENT: Final = "    "

_Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What addresses are called."""

    names: Mapping[Address, str] = field(default_factory=dict)
    """Empty to have the addresses themselves."""
    service_addresses: ServiceAddresses = field(default_factory=dict)

    def end(self, end: AddrPort) -> str:
        """Return one end of a connection; where there is no port there is no colon."""
        name = self.names.get(end.address)
        if end.port == 0:
            return name or str(end.address)
        return f"{name}:{end.port}" if name else str(end)

    def pair(self, pair: AddressPair) -> str:
        """Return both ends."""
        return f"{self.end(pair.source)} → {self.end(pair.destination)}"

    def translations(self, entry: Tracked) -> list[str]:
        """Return what NAT does to a request, a sentence for each address."""
        return [
            f"{one.kind} {self.end(one.before)} ⇒ {self.end(one.after)}"
            for one in entry.translations()
        ]


def render_connections(entries: Sequence[Tracked], words: Words, width: int) -> str:
    """Return a line for each entry, and below it what NAT does and what a reply carries.

    Args:
        entries: In the order to show.
        words: For addresses.
        width: Columns to keep to; a connection that finds no room stands on the next line.
    """
    heads = [["PROTO", "STATE", "TIMEOUT", "FLAGS"], *map(_facts, entries)]
    widths = [max(map(len, column)) for column in zip(*heads, strict=True)]
    lines = [_row([*heads[0], "CONNECTION"], widths)]
    for entry, head in zip(entries, heads[1:], strict=True):
        connection = _original(entry, words)
        whole = _row([*head, connection], widths)
        lines += [whole] if len(whole) <= width else [_row(head, widths), f"{_INDENT}{connection}"]
        lines += [f"{_INDENT}{line}" for line in _below(entry, words)]
    return "\n".join(lines)


def render_connections_wide(entries: Sequence[Tracked], words: Words) -> str:
    """Return a table with every fact, a line for each entry however long."""
    headings = ["proto", "state", "timeout", "flags", "mark", "id", "service"]
    rows = [
        [
            *_facts(entry),
            f"{entry.mark:#x}",
            str(entry.identity),
            service_of(entry, words.service_addresses),
            _original(entry, words),
            words.pair(entry.reply),
            ", ".join(words.translations(entry)),
        ]
        for entry in entries
    ]
    return table([*headings, "original", "reply", "rewriting"], rows)


def render_change(changed: Changed, words: Words) -> str:
    """Return one event as one line; NAT stands in the first of an entry, as it never changes."""
    entry = changed.entry
    at = datetime.fromtimestamp(changed.time_ns / 1e9, UTC).strftime("%H:%M:%S.%f")
    flags = "".join(f" [{flag}]" for flag in entry.flags)
    head = f"{at} {changed.change.upper():<7} {entry.protocol:<4} {entry.state or '-':<11}"
    service = service_of(entry, words.service_addresses)
    of_service = f" ({service})" if service else ""
    parts = [f"{_original(entry, words)}{of_service}{flags}"]
    if changed.change is Change.NEW:
        parts += words.translations(entry)
    return f"{head} {'  '.join(parts)}"


def connections_document(lab: str, host: str, entries: Sequence[Tracked], words: Words) -> _Json:
    """Return the entries of a host as JSON values."""
    return {
        "schema": SCHEMA,
        "lab": lab,
        "host": host,
        "entries": [_entry(entry, words) for entry in entries],
    }


def change_document(lab: str, host: str, changed: Changed, words: Words) -> _Json:
    """Return one event as JSON values."""
    at = datetime.fromtimestamp(changed.time_ns / 1e9, UTC)
    return {
        "schema": SCHEMA,
        "lab": lab,
        "host": host,
        "time": at.isoformat(timespec="microseconds"),
        "change": str(changed.change),
        "entry": _entry(changed.entry, words),
    }


def age(seconds: int) -> str:
    """Return a time in its largest unit.

    >>> age(119), age(3600), age(431999)
    ('119s', '60m', '119h')
    """
    if seconds < 600:
        return f"{seconds}s"
    return f"{seconds // 60}m" if seconds < 7200 else f"{seconds // 3600}h"


def _facts(entry: Tracked) -> list[str]:
    timeout = "-" if entry.timeout_s is None else age(entry.timeout_s)
    return [entry.protocol, entry.state or "-", timeout, ",".join(entry.flags) or "-"]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, (*widths, 0), strict=False))
    return "  ".join(padded).rstrip()


def _original(entry: Tracked, words: Words) -> str:
    if entry.icmp is None:
        return words.pair(entry.original)
    kind, code, identity = entry.icmp
    return f"{words.pair(entry.original)} type {kind} code {code} id {identity}"


def _below(entry: Tracked, words: Words) -> Iterator[str]:
    service = service_of(entry, words.service_addresses)
    if service:
        yield f"Service {service}"
    yield from words.translations(entry)
    if entry.translations():
        yield f"replies {words.pair(entry.reply)}"
    if entry.mark:
        yield f"mark {entry.mark:#x}"


def _entry(entry: Tracked, words: Words) -> _Json:
    icmp = None
    if entry.icmp is not None:
        icmp = dict(zip(("type", "code", "id"), entry.icmp, strict=True))
    return {
        "id": entry.identity,
        "protocol": entry.protocol,
        "state": entry.state or None,
        "timeout_s": entry.timeout_s,
        "mark": entry.mark,
        "flags": list(entry.flags),
        "service": service_of(entry, words.service_addresses) or None,
        "original": _pair(entry.original, words),
        "reply": _pair(entry.reply, words),
        "icmp": icmp,
        "rewrites": [
            {
                "kind": str(one.kind),
                "before": _end(one.before, words),
                "after": _end(one.after, words),
            }
            for one in entry.translations()
        ],
    }


def _pair(pair: AddressPair, words: Words) -> _Json:
    return {
        "source": _end(pair.source, words),
        "destination": _end(pair.destination, words),
    }


def _end(end: AddrPort, words: Words) -> _Json:
    return {
        "address": str(end.address),
        "port": end.port or None,
        "name": words.names.get(end.address),
    }
