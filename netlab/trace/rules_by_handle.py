"""The text of iptables rules, found by what a rule trace gives: handles, or numbers.

kube-proxy writes into each rule's comment which Service it serves, and a rule that picks an
endpoint says which one; both are read back from there, as any reader of iptables-save would.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from netlab.netfilter.iptables.words import logical_lines, split

_SERVICE: Final = re.compile(r"([a-z0-9.-]+/[a-z0-9.-]+(?::[a-z0-9-]+)?)(?: |$)")
_ENDPOINT: Final = re.compile(r" -> (\S+)$")
_EXTERNAL: Final = re.compile(r"masquerade traffic for (\S+) external destinations")


@dataclass(frozen=True, slots=True, kw_only=True)
class MapEntry:
    """What a map of nftables says of one key."""

    text: str
    """The entry, as nft lists it."""
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRule:
    """One rule of a namespace."""

    index: int
    """From 1, in its chain."""
    text: str
    """The ``-A`` line of iptables, or the words of nftables."""
    comment: str = ""
    target: str = ""
    service: str = ""
    endpoint: str = ""
    entries: Mapping[str, MapEntry] = field(default_factory=dict)
    """By key: of the map that the rule looks a packet up in."""


RuleBook = Mapping[tuple[str, str, int], KnownRule]
"""Rules by table, chain, and handle; where there are only numbers, by the number below zero."""


def book_by_handle(text: str, handles: Mapping[tuple[str, str], Sequence[int]]) -> RuleBook:
    """Return the rules that iptables-save printed as ``text``, by handle.

    A chain whose number of rules is not its number of handles is left out: one of the two readings
    is older than the other.
    """
    chains = rules_by_chain(text)
    return {
        (*place, handle): rule
        for place, found in handles.items()
        if len(found) == len(chains.get(place, ()))
        for handle, rule in zip(found, chains[place], strict=True)
    }


def rules_by_chain(text: str) -> dict[tuple[str, str], list[KnownRule]]:
    """Return the rules that iptables-save printed as ``text``, by table and chain, in order."""
    chains: dict[tuple[str, str], list[KnownRule]] = {}
    table = ""
    for line in logical_lines(text):
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith("-A "):
            words = split(line)
            rules = chains.setdefault((table, words[1]), [])
            rules.append(_rule(len(rules) + 1, line, words))
    return chains


def chain_policies(text: str) -> dict[tuple[str, str], str]:
    r"""Return the policy of every chain, by table and chain; ``-`` for a user's.

    >>> chain_policies("*filter\n:INPUT DROP [0:0]\n:KUBE-FORWARD - [0:0]\nCOMMIT\n")
    {('filter', 'INPUT'): 'DROP', ('filter', 'KUBE-FORWARD'): '-'}
    """
    policies: dict[tuple[str, str], str] = {}
    table = ""
    for line in logical_lines(text):
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            policies[table, chain] = policy
    return policies


def _rule(index: int, line: str, words: Sequence[str]) -> KnownRule:
    comment = _after(words, "--comment")
    endpoint = _ENDPOINT.search(comment)
    return KnownRule(
        index=index,
        text=line,
        comment=comment,
        target=_after(words, "-j") or _after(words, "-g"),
        service=service_of(comment),
        endpoint=endpoint[1] if endpoint else _after(words, "--to-destination"),
    )


def service_of(comment: str) -> str:
    """Return the Service that a comment of kube-proxy's names; empty for any other comment.

    >>> service_of("default/web:http cluster IP")
    'default/web:http'
    >>> service_of("masquerade traffic for default/web external destinations")
    'default/web'
    >>> service_of("ip-masq-agent: local traffic is not subject to MASQUERADE")
    ''
    """
    found = _SERVICE.match(comment) or _EXTERNAL.match(comment)
    return found[1] if found else ""


def _after(words: Sequence[str], option: str) -> str:
    return next((words[i + 1] for i, w in enumerate(words[:-1]) if w == option), "")
