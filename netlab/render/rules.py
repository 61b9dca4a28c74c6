"""A node's rules as text and JSON: by Service, counted, and said in words."""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any

from netlab.kubeproxy.nftables.rule_groups import TableEntry
from netlab.kubeproxy.rule_groups import RuleGroup, endpoints_by_chain
from netlab.model.addresses import Family
from netlab.netfilter.iptables.counters import CountedRule
from netlab.netfilter.iptables.differences import Difference, Side
from netlab.netfilter.nftables.table import NamedSet
from netlab.render import rule_words, table_words
from netlab.render.printable import printable

_INDENT = " " * 12


def render_rules(groups: Sequence[RuleGroup], *, explain: bool, width: int | None = None) -> str:
    """Return each group under a heading: packets and a sentence for every rule.

    Args:
        groups: By Service.
        explain: Add the rule itself, with its table, below each sentence.
        width: Columns to keep to; None for a line a rule, however long.
    """
    endpoints = _endpoints(groups)
    are_mixed = len({group.family for group in groups}) > 1
    return "\n\n".join(
        "\n".join(
            [
                _heading(group, are_mixed=are_mixed),
                *_wrapped(_lines(group.rules, endpoints, explain=explain), width),
            ]
        )
        for group in groups
    )


def _wrapped(lines: Iterable[str], width: int | None) -> Iterator[str]:
    """Yield the lines, cut between words where they are too long; the rest is indented as text."""
    for line in lines:
        if width is None or len(line) <= width:
            yield line
            continue
        yield from wrap(
            line,
            width,
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        )


def rules_document(node: str, groups: Sequence[RuleGroup]) -> dict[str, Any]:
    """Return the groups as ``netlab.rules/1``."""
    endpoints = _endpoints(groups)
    return {
        "schema": "netlab.rules/1",
        "node": node,
        "groups": [
            {
                "service": group.service or None,
                "family": str(group.family),
                "rules": [
                    {
                        "table": one.table,
                        **_counted(one),
                        "says": says,
                        "rule": one.text,
                    }
                    for one, says in _said(group.rules, endpoints)
                ],
            }
            for group in groups
        ],
    }


def render_differences(found: Iterable[Difference]) -> str:
    """Return differences as diff does: ``-`` is missing from the kernel, ``+`` is there alone."""
    lines: list[str] = []
    heading: tuple[str, ...] = ()
    for one in found:
        if (one.family, one.table, one.chain) != heading:
            heading = one.family, one.table, one.chain
            family = f" of {one.family}" if one.family is not Family.IPV4 else ""
            chain = f", {one.kind} {printable(one.chain)}" if one.chain else ""
            lines.append(f"table {printable(one.table)}{family}{chain}")
        lines.append(f"{'-' if one.only is Side.WANTED else '+'} {printable(one.text)}")
    return "\n".join(lines)


def differences_document(node: str, found: Iterable[Difference]) -> dict[str, Any]:
    """Return differences as ``netlab.rules-diff/1``."""
    return {
        "schema": "netlab.rules-diff/1",
        "node": node,
        "differences": [
            {
                "family": str(one.family),
                "table": one.table,
                one.kind: one.chain,
                "only": str(one.only),
                "rule": one.text,
            }
            for one in found
        ],
    }


def _endpoints(groups: Iterable[RuleGroup]) -> dict[str, str]:
    rules = (one for group in groups for one in group.rules)
    return endpoints_by_chain([one for one in rules if isinstance(one, CountedRule)])


_Rule = CountedRule | TableEntry


def _said(rules: Iterable[_Rule], endpoints: dict[str, str]) -> Iterator[tuple[_Rule, str]]:
    """Yield each rule with its sentence; what rules took out before, later ones do not see."""
    thinned: set[tuple[str, str]] = set()
    for one in rules:
        if isinstance(one, CountedRule):
            chain = one.table, one.rule.chain
            says = rule_words.sentence(one, endpoints, is_rest=chain in thinned)
            took = rule_words.takes_out(one)
        else:
            chain = one.table, one.parent.name
            says = table_words.table_sentence(one, is_rest=chain in thinned)
            took = table_words.takes_out(one)
        if took:
            thinned.add(chain)
        yield one, says


def _counted(one: CountedRule | TableEntry) -> dict[str, Any]:
    """Return where a rule is and what it has counted; kube-proxy's nftables rules do not count."""
    if isinstance(one, CountedRule):
        return {"chain": one.rule.chain, "packets": one.packets, "bytes": one.bytes}
    kind = one.parent.kind if isinstance(one.parent, NamedSet) else "chain"
    return {kind: one.parent.name, "packets": None, "bytes": None}


def _heading(group: RuleGroup, *, are_mixed: bool) -> str:
    """Return what the rules are for; with the family where there are rules of both."""
    what = f"Service {group.service}" if group.service else "Whatever Services there are"
    return f"{what} ({group.family})" if are_mixed else what


def _lines(
    rules: Iterable[CountedRule | TableEntry], endpoints: dict[str, str], *, explain: bool
) -> Iterator[str]:
    for one, says in _said(rules, endpoints):
        packets = one.packets if isinstance(one, CountedRule) else "-"
        yield f"{packets:>10}  {printable(says)}"
        if explain:
            where = "" if isinstance(one, CountedRule) else f" {printable(one.parent.name)}"
            yield f"{_INDENT}{one.table}{where}: {printable(one.text)}"
