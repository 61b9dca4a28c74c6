"""A table's text back to the table: as netlab writes it, and as ``nft list table`` prints it.

Clients that stay with an endpoint are no part of the table.

Source: nft(8); nftables, ``src/rule.c`` (table_print and what it calls).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from netlab.errors import SpecError
from netlab.netfilter.nftables.parse_rule import FAMILIES, parse_rule, parse_verdict
from netlab.netfilter.nftables.rules import Rule
from netlab.netfilter.nftables.table import TABLE, Chain, Element, Hook, NamedSet, Table

_COMMENT: Final = r'(?: comment "(?P<comment>[^"]*)")?'
_ADD: Final = {
    "table": rf"add table (?P<family>ip6?) {TABLE}(?: \{{{_COMMENT} ; \}})?",
    "chain": rf"add chain ip6? {TABLE} (?P<name>\S+)(?: \{{"
    r"(?: type (?P<type>\w+) hook (?P<hook>\w+) priority (?P<priority>-?\d+) ;)?"
    rf"(?:{_COMMENT} ;)? \}})?",
    "rule": rf"add rule ip6? {TABLE} (?P<name>\S+) (?P<words>.+?){_COMMENT}",
    "set": rf"add (?:set|map) ip6? {TABLE} (?P<name>\S+) "
    r"\{ type (?P<type>[^:;]+?)(?P<map> : verdict)? ;"
    rf"(?: flags dynamic,timeout ; timeout (?P<timeout>\d+)s ;)?(?:{_COMMENT} ;)? \}}",
    "element": rf"add element ip6? {TABLE} (?P<name>\S+) "
    rf"\{{ (?P<key>.+?){_COMMENT}(?: : (?P<verdict>.+?))? \}}",
}
_LINES: Final = {kind: re.compile(pattern) for kind, pattern in _ADD.items()}
_EMPTYING: Final = re.compile(rf"(?:flush|delete) (?:chain|set|map) ip6? {TABLE} \S+")


_HANDLE: Final = re.compile(r" # handle (\d+)$")
_RULE_COMMENT: Final = re.compile(r' comment "([^"]*)"$')
_LISTED_TABLE: Final = re.compile(rf"table (ip6?) {TABLE} \{{")
_OBJECT: Final = re.compile(r"(set|map|chain) (\S+) \{")
_HOOK: Final = re.compile(
    r"type (?P<type>\w+) hook (?P<hook>\w+) priority (?P<priority>[^;]+); policy (?P<policy>\w+);"
)
_PRIORITY: Final = re.compile(r"(?P<name>[a-z]*) ?(?P<number>[+-]? ?\d+)?")
_PRIORITIES: Final = {
    "": 0, "raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100,
}  # fmt: skip
_ELEMENTS: Final = re.compile(r"elements = \{ (.*) \}")
_ELEMENT: Final = re.compile(rf"(?P<key>.+?){_COMMENT}(?: : (?P<verdict>.+))?")
_PIECE: Final = re.compile(r'(?:"[^"]*"|[^,"])+')
_DURATION: Final = re.compile(r"(\d+)([dhms]s?)")
_SECONDS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}


_Words = Mapping[str, str]
T = TypeVar("T")


def parse(text: str) -> Table:
    """Return the table that ``text`` brings about.

    Raises:
        SpecError: A line is none that ``render`` writes; the message quotes it.
    """
    found: defaultdict[str, list[_Words]] = defaultdict(list)
    for kind, words in _read(text):
        found[kind].append(words)
    rules = _by_name(found["rule"], _rule)
    elements = _by_name(found["element"], _element)
    # A base chain is made twice, the second time with its hook.
    chains = {words["name"]: _chain(words) for words in found["chain"]}
    sets = [_set(words) for words in found["set"]]
    head = found["table"][0] if found["table"] else {"family": "ip"}
    return Table(
        family=FAMILIES[head["family"]],
        chains=tuple(replace(one, rules=rules.get(one.name, ())) for one in chains.values()),
        sets=tuple(replace(one, elements=elements.get(one.name, ())) for one in sets),
    )


def _read(text: str) -> Iterator[tuple[str, _Words]]:
    for number, line in enumerate(text.splitlines(), 1):
        for kind, pattern in _LINES.items():
            match = pattern.fullmatch(line)
            if match is not None:
                yield kind, {key: value or "" for key, value in match.groupdict().items()}
                break
        else:
            if not _EMPTYING.fullmatch(line):
                raise SpecError(f"line {number} is no command of kube-proxy's table: {line}")


def _by_name(lines: list[_Words], make: Callable[[_Words], T]) -> dict[str, tuple[T, ...]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for words in lines:
        found[words["name"]].append(make(words))
    return {name: tuple(made) for name, made in found.items()}


def _rule(words: _Words) -> Rule:
    return parse_rule(words["words"], words["comment"])


def _element(words: _Words) -> Element:
    verdict = parse_verdict(words["verdict"]) if words["verdict"] else None
    return Element(key=words["key"], verdict=verdict, comment=words["comment"])


def _chain(words: _Words) -> Chain:
    hook = None
    if words["hook"]:
        priority = int(words["priority"])
        hook = Hook(type=words["type"], name=words["hook"], priority=priority)
    return Chain(name=words["name"], hook=hook, comment=words["comment"])


def _set(words: _Words) -> NamedSet:
    return NamedSet(
        name=words["name"],
        type=words["type"],
        is_map=bool(words["map"]),
        timeout_s=int(words["timeout"]) if words["timeout"] else None,
        comment=words["comment"],
    )


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
    head = _LISTED_TABLE.match(lines[0]) if lines else None
    if head is None:
        raise SpecError(f"no listing of table {TABLE}: {lines[0] if lines else 'nothing'}")
    found: defaultdict[str, list[_Object]] = defaultdict(list)
    for one in _objects(lines[1:]):
        found[one.kind].append(one)
    table = Table(
        family=FAMILIES[head[1]],
        chains=tuple(map(_listed_chain, found["chain"])),
        sets=tuple(map(_listed_set, found["set"] + found["map"])),
    )
    handles = {one.name: tuple(_handles(one)) for one in found["chain"]}
    return Listing(table=table, handles=handles)


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


def _listed_chain(one: _Object) -> Chain:
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
            rules.append(_listed_rule(_HANDLE.sub("", line)))
    return Chain(name=one.name, rules=tuple(rules), hook=hook, comment=comment)


def _handles(one: _Object) -> Iterator[int]:
    for line in one.lines:
        found = _HANDLE.search(line)
        if found:
            yield int(found[1])


def _listed_rule(line: str) -> Rule:
    comment = _RULE_COMMENT.search(line)
    return parse_rule(_RULE_COMMENT.sub("", line), comment[1] if comment else "")


def _priority(text: str) -> int:
    found = _PRIORITY.match(text)
    if found is None:
        return 0
    return _PRIORITIES[found["name"]] + int((found["number"] or "0").replace(" ", ""))


def _listed_set(one: _Object) -> NamedSet:
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
                made = replace(made, elements=tuple(_listed_elements(line)))
            case _:
                continue
    return replace(made, elements=()) if made.timeout_s is not None else made


def _listed_elements(line: str) -> Iterator[Element]:
    listed = _ELEMENTS.match(line)
    for piece in _PIECE.findall(listed[1]) if listed else ():
        found = _ELEMENT.fullmatch(piece.strip())
        if found:
            yield _element({key: value or "" for key, value in found.groupdict().items()})


def _seconds(text: str) -> int:
    return sum(int(number) * _SECONDS.get(unit, 0) for number, unit in _DURATION.findall(text))
