"""Packets through base chains of several tables."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.netfilter.hooks import BaseChain, Branch, HookWalker
from netlab.netfilter.iptables.rules import rule
from netlab.netfilter.verdicts import DNAT, SNAT, Hit, Hook, Packet, Verdict

NODE, POD, CLIENT = "192.0.2.1", "10.244.0.2", "198.51.100.7"


def chain(
    name: str, hook: Hook, priority: int = 0, chooses: str = "", verdict: Verdict = Verdict.NONE
) -> BaseChain:
    """Return a base chain that leaves its name as a hit."""

    def walk(branch: Branch) -> Iterator[Branch]:
        packet = replace(branch.packet, states=branch.packet.states | {chooses} - {""})
        hits = (*branch.hits, Hit(name, rule(hook)))
        yield replace(branch, packet=packet, hits=hits, verdict=verdict)

    is_nat = name.startswith("nat")
    return BaseChain(table=name, hook=hook, priority=priority, is_nat=is_nat, walk=walk)


def packet(source: str = CLIENT, destination: str = POD, **more: object) -> Packet:
    return Packet(
        source=ip_address(source),
        destination=ip_address(destination),
        protocol="TCP",
        destination_port=80,
        **more,
    )


def met(chains: list[BaseChain], sent: Packet) -> list[str]:
    [outcome] = HookWalker(chains, [ip_address(NODE)]).walk(sent)
    return [hit.table for hit in outcome.hits]


def test_chains_of_a_hook_are_met_by_priority_and_equal_ones_as_they_are_given():
    chains = [
        chain("late", Hook.FORWARD, 5),
        chain("one", Hook.FORWARD),
        chain("early", Hook.FORWARD, -5),
        chain("two", Hook.FORWARD),
        chain("before all", Hook.PREROUTING, 300),
    ]
    assert met(chains, packet()) == ["before all", "early", "one", "two", "late"]


@pytest.mark.parametrize(
    ("hook", "chooses", "sent"),
    [
        pytest.param(Hook.PREROUTING, DNAT, packet(), id="a destination"),
        pytest.param(Hook.POSTROUTING, SNAT, packet(), id="a source"),
        pytest.param(Hook.OUTPUT, DNAT, packet(NODE, is_made_here=True), id="on the way out"),
    ],
)
def test_once_nat_has_chosen_no_other_chain_of_nat_is_asked(hook: Hook, chooses: str, sent: Packet):
    first, second = chain("nat 1", hook, chooses=chooses), chain("nat 2", hook)
    assert met([first, second], sent) == ["nat 1"]
    assert met([second, first], sent) == ["nat 2", "nat 1"]


def test_a_chosen_destination_leaves_the_source_to_be_chosen():
    chains = [
        chain("nat d", Hook.PREROUTING, chooses=DNAT),
        chain("nat s", Hook.POSTROUTING, chooses=SNAT),
    ]
    assert met(chains, packet()) == ["nat d", "nat s"]


def test_what_a_node_sends_itself_comes_in_again_and_nat_is_not_asked_twice():
    chains = [chain(hook.lower(), hook) for hook in Hook]
    chains.append(chain("nat", Hook.PREROUTING))
    assert met(chains, packet(NODE, NODE, is_made_here=True)) == [
        "output", "postrouting", "prerouting", "input"
    ]  # fmt: skip


def test_nothing_comes_after_a_refusal():
    chains = [chain("a", Hook.INPUT, -1, verdict=Verdict.REJECT), chain("b", Hook.INPUT)]
    assert met(chains, packet(destination=NODE)) == ["a"]
