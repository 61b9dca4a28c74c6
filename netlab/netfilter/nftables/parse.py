"""Text for ``nft -f``, as ``render`` writes it, back to a table."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from netlab.errors import SpecError
from netlab.model.addresses import Family
from netlab.netfilter.nftables.table import TABLE, Chain, Element, Hook, NamedSet, Rule, Table, ip

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
_FAMILIES: Final = {ip(family): family for family in Family}

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
        family=_FAMILIES[head["family"]],
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
    return Rule(words=words["words"], comment=words["comment"])


def _element(words: _Words) -> Element:
    return Element(key=words["key"], verdict=words["verdict"], comment=words["comment"])


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
