"""What ``nft list table`` prints of kube-proxy's table, back to the table.

nft spells some rules otherwise than they were written; they come back in the words of
``netlab.kubeproxy.nftables.compile``. Clients that stay with an endpoint are no part of the table.

Source: nft(8); nftables, ``src/rule.c`` (table_print and what it calls).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from netlab.errors import SpecError
from netlab.model.addresses import Family
from netlab.netfilter.nftables.table import TABLE, Chain, Element, Hook, NamedSet, Rule, Table, ip

_SPELLINGS: Final = (
    (re.compile(r"meta mark set meta mark \| (0x[0-9a-f]+)"), "or"),
    (re.compile(r"meta mark set meta mark \^ (0x[0-9a-f]+)"), "xor"),
    (re.compile(r"meta mark & (0x[0-9a-f]+) == (?:0x0+|0)(?= )"), "and"),
)
_HANDLE: Final = re.compile(r" # handle (\d+)$")
_COMMENT: Final = re.compile(r' comment "([^"]*)"$')
_TABLE: Final = re.compile(rf"table (ip6?) {TABLE} \{{")
_OBJECT: Final = re.compile(r"(set|map|chain) (\S+) \{")
_HOOK: Final = re.compile(
    r"type (?P<type>\w+) hook (?P<hook>\w+) priority (?P<priority>[^;]+); policy (?P<policy>\w+);"
)
_PRIORITY: Final = re.compile(r"(?P<name>[a-z]*) ?(?P<number>[+-]? ?\d+)?")
_PRIORITIES: Final = {
    "": 0, "raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100,
}  # fmt: skip
_ELEMENTS: Final = re.compile(r"elements = \{ (.*) \}")
_ELEMENT: Final = re.compile(
    r'(?P<key>.+?)(?: comment "(?P<comment>[^"]*)")?(?: : (?P<verdict>.+))?'
)
_PIECE: Final = re.compile(r'(?:"[^"]*"|[^,"])+')
_DURATION: Final = re.compile(r"(\d+)([dhms]s?)")
_SECONDS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_FAMILIES: Final = {ip(family): family for family in Family}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A table as the kernel holds it."""

    table: Table
    handles: Mapping[str, tuple[int, ...]]
    """Of each chain's rules, in order; only ``nft -a`` prints them."""


@dataclass(slots=True)
class _Object:
    kind: str
    name: str
    lines: list[str] = field(default_factory=list)


def parse_listing(text: str) -> Listing:
    """Return the table that ``nft list table``, with or without ``-a``, prints as ``text``.

    Raises:
        SpecError: It is no listing of kube-proxy's table.
    """
    lines = text.splitlines()
    head = _TABLE.match(lines[0]) if lines else None
    if head is None:
        raise SpecError(f"no listing of table {TABLE}: {lines[0] if lines else 'nothing'}")
    found: defaultdict[str, list[_Object]] = defaultdict(list)
    for one in _objects(lines[1:]):
        found[one.kind].append(one)
    table = Table(
        family=_FAMILIES[head[1]],
        chains=tuple(map(_chain, found["chain"])),
        sets=tuple(map(_set, found["set"] + found["map"])),
    )
    handles = {one.name: tuple(_handles(one)) for one in found["chain"]}
    return Listing(table=table, handles=handles)


def words_of(text: str) -> str:
    """Return a rule without comment and handle, as ``compile`` spells it.

    >>> words_of("meta mark set meta mark | 0x00004000")
    'mark set mark or 0x4000'
    """
    for pattern, how in _SPELLINGS:
        found = pattern.match(text)
        if found:
            bits = f"{int(found[1], 16):#x}"
            mark = f"mark and {bits} == 0" if how == "and" else f"mark set mark {how} {bits}"
            return mark + text[found.end() :]
    return text


def _objects(lines: list[str]) -> Iterator[_Object]:
    one: _Object | None = None
    for line in lines:
        text = line.strip()
        begun = _OBJECT.match(text)
        if one is None and begun:
            one = _Object(begun[1], begun[2])
        elif one is not None and text == "}":
            yield one
            one = None
        elif one is not None and one.lines and one.lines[-1].endswith(","):
            # The members of a set go on for many lines.
            one.lines[-1] += f" {text}"
        elif one is not None:
            one.lines.append(text)


def _chain(one: _Object) -> Chain:
    hook, comment, rules = None, "", []
    for line in one.lines:
        base = _HOOK.match(line)
        if base:
            hook = Hook(
                type=base["type"],
                name=base["hook"],
                priority=_priority(base["priority"]),
                policy=base["policy"],
            )
        elif line.startswith('comment "'):
            comment = line[len('comment "') : -1]
        else:
            rules.append(_rule(_HANDLE.sub("", line)))
    return Chain(name=one.name, rules=tuple(rules), hook=hook, comment=comment)


def _handles(one: _Object) -> Iterator[int]:
    for line in one.lines:
        found = _HANDLE.search(line)
        if found:
            yield int(found[1])


def _rule(line: str) -> Rule:
    comment = _COMMENT.search(line)
    return Rule(words=words_of(_COMMENT.sub("", line)), comment=comment[1] if comment else "")


def _priority(text: str) -> int:
    found = _PRIORITY.match(text)
    if found is None:
        return 0
    return _PRIORITIES[found["name"]] + int((found["number"] or "0").replace(" ", ""))


def _set(one: _Object) -> NamedSet:
    made = NamedSet(name=one.name, type="", is_map=one.kind == "map")
    for line in one.lines:
        word, _, rest = line.partition(" ")
        match word:
            case "type":
                made = replace(made, type=rest.removesuffix(" : verdict"))
            case "comment":
                made = replace(made, comment=rest.strip('"'))
            case "timeout":
                made = replace(made, timeout_s=_seconds(rest))
            case "elements":
                made = replace(made, elements=tuple(_elements(line)))
            case _:
                continue
    return replace(made, elements=()) if made.timeout_s is not None else made


def _elements(line: str) -> Iterator[Element]:
    listed = _ELEMENTS.match(line)
    for piece in _PIECE.findall(listed[1]) if listed else ():
        found = _ELEMENT.fullmatch(piece.strip())
        if found:
            verdict, comment = found["verdict"] or "", found["comment"] or ""
            yield Element(key=found["key"], verdict=verdict, comment=comment)


def _seconds(text: str) -> int:
    return sum(int(number) * _SECONDS.get(unit, 0) for number, unit in _DURATION.findall(text))
