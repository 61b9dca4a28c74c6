"""The text of iptables-save to a ruleset.

Both kinds of iptables print the same language, with small differences that
``netlab.netfilter.iptables.canonical`` takes away. A match or target without a value of netlab's
own stays as the words it was printed with, so no rule is ever lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from netlab.errors import SpecError
from netlab.model.addresses import Family
from netlab.netfilter.iptables.canonical import normalise, normalise_rule
from netlab.netfilter.iptables.parse_match import parse_match
from netlab.netfilter.iptables.parse_target import parse_target
from netlab.netfilter.iptables.rules import Chain, Rule, Ruleset, Table, rule
from netlab.netfilter.iptables.save_format import printed
from netlab.netfilter.iptables.words import logical_lines, split

_INCOMPATIBLE: Final = re.compile(r"^# Table `(\w+)' is incompatible", re.MULTILINE)
_BEGINS_PART: Final = frozenset({"-s", "-d", "-i", "-o", "-p", "-m", "-j", "-g"})
_TARGET: Final = frozenset({"-j", "-g"})
_FREE_TEXT: Final = frozenset({"--comment", "--name", "--log-prefix", "--nflog-prefix", "--string"})
"""Options whose value may look like the beginning of another part."""


@dataclass(slots=True)
class _Listing:
    """One table as it is printed."""

    table: str
    policies: dict[str, str | None] = field(default_factory=dict)
    """Of every chain; None for one that rules jump to."""
    lines: dict[str, list[str]] = field(default_factory=dict)
    """The ``-A`` lines of each chain that has any."""


def parse(text: str, family: Family) -> Ruleset:
    """Return the normalised ruleset that ``text`` prints.

    Counters, comment lines and blank lines are passed over.

    Raises:
        SpecError: A line is none that iptables-save prints; the message names it.
    """
    return normalise(parse_against(text, Ruleset(family, ())))


def parse_against(text: str, want: Ruleset) -> Ruleset:
    """Return the ruleset that ``text`` prints, to be compared with ``want``.

    A rule that is printed as one of ``want`` in its chain would be is that very value, and so is a
    chain; other rules are normalised. Lines that are as they should be are not taken apart, which
    is most of the work.

    Raises:
        SpecError: As for ``parse``.
    """
    return Ruleset(
        want.family,
        tuple(
            _table(listing, want.table(listing.table) or Table(listing.table, ()), want.family)
            for listing in _listings(text)
        ),
    )


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


def _listings(text: str) -> Iterator[_Listing]:
    one: _Listing | None = None
    for number, line in enumerate(logical_lines(text), 1):
        match line[:1]:
            case "-" | "[" if one is not None and "-A " in line:
                added = line if line.startswith("-A ") else line[line.index("-A ") :]
                chain = added.split(" ", 2)[1]
                one.lines.setdefault(split(chain)[0] if '"' in chain else chain, []).append(added)
            case "" | "#":
                continue
            case "*":
                one = _Listing(line[1:].strip())
            case ":" if one is not None and " " in line:
                chain, policy = line[1:].split()[:2]
                one.policies[chain] = None if policy == "-" else policy
            case "C" if one is not None:
                yield one
            case _:
                raise SpecError(f"line {number}: not the output of iptables-save: {line[:80]}")


def _table(listing: _Listing, want: Table, family: Family) -> Table:
    wanted = {chain.name: chain for chain in want.chains}
    chains = frozenset(listing.policies)
    return Table(
        listing.table,
        tuple(
            _chain(
                Chain(name, (), listing.policies.get(name)),
                listing.lines.get(name, []),
                wanted.get(name),
                chains,
                family,
            )
            for name in dict.fromkeys((*listing.policies, *listing.lines))
        ),
    )


def _chain(
    empty: Chain, lines: list[str], want: Chain | None, chains: frozenset[str], family: Family
) -> Chain:
    if want is None or not lines:
        known: dict[str, Rule] = {}
    else:
        expected = [printed(rule, family) for rule in want.rules]
        if lines == expected and empty.policy == want.policy:
            return want
        known = dict(zip(expected, want.rules, strict=True))
    rules = (known.get(line) or normalise_rule(_rule(line, chains), family) for line in lines)
    return Chain(empty.name, tuple(rules), empty.policy)


def _rule(line: str, chains: frozenset[str]) -> Rule:
    words = split(line)
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
