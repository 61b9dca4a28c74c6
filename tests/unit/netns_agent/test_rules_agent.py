"""Rules that follow from the topology alone are loaded once, and again where they may be gone."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from netlab.cni.address_translation import CLOUD, IP_MASQ_AGENT, cloud_rules, masquerade_rules
from netlab.model.addresses import Family
from netlab.model.names import NetnsFamily, NetnsName
from netlab.model.topology import Topology
from netlab.netns_agent.requests import ReadTables, Restore, SaveRules
from netlab.netns_agent.rules_agent import RulesAgent
from tests.unit.topology_samples import topology_of

NOW = 1_800_000_000.0
NODE1, NODE2 = (NetnsName(f"netlab-x-{host}") for host in ("node1", "node2"))


class Agent:
    """An agent of namespaces that notes what it is asked, and may refuse."""

    def __init__(self) -> None:
        self.restored: list[dict[NetnsFamily, str]] = []
        self.read: list[NetnsFamily] = []
        self.refuses: dict[NetnsFamily, str] = {}

    async def __call__(self, request: object) -> dict[NetnsFamily, str]:
        assert not isinstance(request, ReadTables), "none of these has rules in nftables"
        if isinstance(request, SaveRules):
            self.read += request.keys
            return dict.fromkeys(request.keys, "")
        assert isinstance(request, Restore)
        self.restored.append(dict(request.texts))
        return {key: why for key, why in self.refuses.items() if key in request.texts}


@pytest.fixture
def agent() -> Agent:
    return Agent()


@pytest.fixture
def masquerade(agent: Agent) -> RulesAgent:
    return RulesAgent(IP_MASQ_AGENT, agent, partial(masquerade_rules, "x"), wake=lambda: None)


def sync(rules: RulesAgent) -> float | None:
    return asyncio.run(rules.sync(NOW))


def test_nothing_is_done_before_there_are_namespaces(masquerade: RulesAgent, agent: Agent):
    assert sync(masquerade) is None
    assert agent.restored == []


def test_new_namespaces_are_not_read_and_rules_are_loaded_once(
    masquerade: RulesAgent, agent: Agent, topology: Topology
):
    masquerade.follow(topology, [NODE1, NODE2])
    assert sync(masquerade) is None
    assert sync(masquerade) is None
    assert agent.read == []
    (loaded,) = agent.restored
    assert {key.netns for key in loaded} == {NODE1, NODE2}
    assert masquerade.operations == 2


def test_what_may_be_gone_is_read_back_and_loaded_again(
    masquerade: RulesAgent, agent: Agent, topology: Topology
):
    masquerade.follow(topology, [NODE1, NODE2])
    sync(masquerade)
    masquerade.resync([NODE2])
    sync(masquerade)
    assert {key.netns for key in agent.read} == {NODE2}
    assert {key.netns for key in agent.restored[-1]} == {NODE2}


def test_a_refusal_is_told_and_tried_again(
    masquerade: RulesAgent, agent: Agent, topology: Topology
):
    node2 = NetnsFamily(NODE2, Family.IPV4)
    agent.refuses = {node2: "line 3 failed"}
    masquerade.follow(topology, [NODE1, NODE2])
    assert sync(masquerade) == NOW + 1
    assert masquerade.refusals == {node2: "line 3 failed"}
    agent.refuses = {}
    assert sync(masquerade) is None
    assert masquerade.refusals == {}
    assert agent.restored[-1].keys() == {node2}


def test_another_topology_changes_what_differs(agent: Agent, topology: Topology):
    cloud = RulesAgent(CLOUD, agent, partial(cloud_rules, "x"), wake=lambda: None)
    cloud.follow(topology, [NetnsName("netlab-x-router")])
    sync(cloud)
    cloud.follow(replace(topology, nodes=topology.nodes[:1]), [])
    sync(cloud)
    first, second = ("".join(texts.values()) for texts in agent.restored)
    assert "192.0.2.4" in first
    assert "192.0.2.4" not in second
    assert agent.read == []


def test_a_family_that_goes_takes_its_rules_along(masquerade: RulesAgent, agent: Agent):
    both = topology_of("{nodes: 1, ipFamilies: [IPv4, IPv6]}")
    masquerade.follow(both, [NODE1])
    sync(masquerade)
    masquerade.follow(topology_of("{nodes: 1}"), [])
    sync(masquerade)
    (text,) = agent.restored[-1].values()
    assert agent.restored[-1].keys() == {NetnsFamily(NODE1, Family.IPV6)}
    assert "-X IP-MASQ-AGENT" in text
    assert text.count("-D POSTROUTING -m comment") == 1
