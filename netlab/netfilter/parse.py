"""The text of iptables-save to a ruleset.

Both kinds of iptables print the same language, with small differences that
``netlab.netfilter.normal`` takes away. A match or target without a value of netlab's own stays as
the words it was printed with, so no rule is ever lost.
"""

import re
from collections.abc import Iterator
from typing import Final

from netlab.errors import SpecError
from netlab.model.addresses import Family
from netlab.netfilter.normal import normalise
from netlab.netfilter.parse_match import parse_match
from netlab.netfilter.parse_target import parse_target
from netlab.netfilter.rules import Chain, Rule, Ruleset, Table, rule
from netlab.netfilter.words import logical_lines, split

_INCOMPATIBLE: Final = re.compile(r"^# Table `(\w+)' is incompatible", re.MULTILINE)
_BEGINS_PART: Final = frozenset({"-s", "-d", "-i", "-o", "-p", "-m", "-j", "-g"})
_TARGET: Final = frozenset({"-j", "-g"})
_FREE_TEXT: Final = frozenset({"--comment", "--name", "--log-prefix", "--nflog-prefix", "--string"})
"""Options whose value may look like the beginning of another part."""


def parse(text: str, family: Family) -> Ruleset:
    """Return the normalised ruleset that ``text`` prints.

    Counters, comment lines and blank lines are passed over.

    Raises:
        SpecError: A line is none that iptables-save prints; the message names it.
    """
    tables: list[Table] = []
    name = ""
    policies: dict[str, str] = {}
    lines: list[list[str]] = []
    for number, line in enumerate(logical_lines(text), 1):
        match line[:1]:
            case "" | "#":
                continue
            case "*":
                name, policies, lines = line[1:].strip(), {}, []
            case ":" if name and " " in line:
                chain, policy = line[1:].split()[:2]
                policies[chain] = policy
            case "-" | "[" if name and " -A " in f" {line}":
                lines.append(split(line[line.index("-A ") :]))
            case "C" if name:
                tables.append(_table(name, policies, lines))
            case _:
                raise SpecError(f"line {number}: not the output of iptables-save: {line[:80]}")
    return normalise(Ruleset(family, tuple(tables)))


def unreadable_table(text: str) -> str:
    """Return why ``text`` of iptables-save lacks a table that is there; empty when it lacks none.

    Somebody has added a rule to it, by nft, that iptables has no words for. iptables then prints
    none of the table's rules, and yet fails at nothing.
    """
    found = _INCOMPATIBLE.search(text)
    if found is None:
        return ""
    return (
        f"iptables cannot read table {found[1]}: a rule that was added to it by nft is not its own"
    )


def _table(name: str, policies: dict[str, str], lines: list[list[str]]) -> Table:
    chains = frozenset(policies)
    rules: dict[str, list[Rule]] = {chain: [] for chain in policies}
    for words in lines:
        rules.setdefault(words[1], []).append(_rule(words, chains))
    return Table(
        name,
        tuple(
            Chain(chain, tuple(kept), None if policies.get(chain, "-") == "-" else policies[chain])
            for chain, kept in rules.items()
        ),
    )


def _rule(words: list[str], chains: frozenset[str]) -> Rule:
    parts = list(_parts(words[2:]))
    matches = [parse_match(part) for part in parts if part[0] not in _TARGET]
    targets = [parse_target(part, chains) for part in parts if part[0] in _TARGET]
    return rule(words[1], *matches, target=targets[0] if targets else None)


def _parts(words: list[str]) -> Iterator[list[str]]:
    """Split a rule's words where a match or target begins; a leading ``!`` belongs to it."""
    part: list[str] = []
    is_text = False
    for item, after in zip(words, [*words[1:], ""], strict=False):
        begins = item in _BEGINS_PART or (item == "!" and after in _BEGINS_PART)
        if part and begins and part != ["!"] and not is_text:
            yield part
            part = []
        part.append(item)
        # A text may look like an option that has one.
        is_text = item in _FREE_TEXT and not is_text
    if part:
        yield part
