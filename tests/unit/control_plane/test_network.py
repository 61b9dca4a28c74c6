"""The network follows topology and pods; a netns agent that only notes what it is asked."""

import asyncio
from dataclasses import replace

import pytest

from netlab.apiserver.store import Store
from netlab.control_plane.network import Network, created
from netlab.errors import KernelError
from netlab.kube.objects import Object
from netlab.model.links import LabState
from netlab.model.topology import Topology
from netlab.netns_agent.requests import Apply, ReadLab
from netlab.plan.build import build_lab
from netlab.plan.ops import CreateNetns

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web-1", "namespace": "default"},
    "spec": {"nodeName": "node1", "containers": []},
    "status": {"podIP": "10.244.1.2", "podIPs": [{"ip": "10.244.1.2"}]},
}


class NetnsAgent:
    def __init__(self, have: LabState) -> None:
        self.have = have
        self.asked: list[Apply] = []
        self.refuses = False

    async def __call__(self, request: object) -> LabState | None:
        if isinstance(request, ReadLab):
            return self.have
        assert isinstance(request, Apply)
        self.asked.append(request)
        if self.refuses:
            raise KernelError("no")
        return None


def test_what_is_there_already_is_skipped(store: Store, topology: Topology):
    netns_agent = NetnsAgent(build_lab("default", topology, []))
    network = Network("default", store, netns_agent)
    assert asyncio.run(network.read()) == set(netns_agent.have)
    assert asyncio.run(network.sync(topology)) == []
    assert netns_agent.asked == []


def test_a_pod_is_wired_once(store: Store, topology: Topology):
    netns_agent = NetnsAgent({})
    network = Network("default", store, netns_agent)
    asyncio.run(network.sync(topology))
    store.create(POD)
    operations = asyncio.run(network.sync(topology))
    assert created(operations) == {"netlab-default-default.web-1"}
    assert asyncio.run(network.sync(topology)) == []
    assert [request.operations for request in netns_agent.asked][1] == tuple(operations)


def test_a_plan_changes_nothing(store: Store, topology: Topology):
    netns_agent = NetnsAgent({})
    network = Network("default", store, netns_agent)
    planned = network.plan(topology)
    assert sum(isinstance(op, CreateNetns) for op in planned) == 5
    assert network.plan(topology) == planned
    assert netns_agent.asked == []


def test_what_was_refused_is_tried_again(store: Store, topology: Topology):
    netns_agent = NetnsAgent({})
    netns_agent.refuses = True
    network = Network("default", store, netns_agent)
    with pytest.raises(KernelError):
        asyncio.run(network.sync(topology))
    netns_agent.refuses = False
    again = asyncio.run(network.sync(topology))
    assert tuple(again) == netns_agent.asked[0].operations


def test_a_changed_topology_is_followed(store: Store, topology: Topology):
    network = Network("default", store, NetnsAgent({}))
    asyncio.run(network.sync(topology))
    operations = asyncio.run(network.sync(replace(topology, clients=())))
    assert [str(op) for op in operations] == [
        "ip netns delete netlab-default-client",
        "ip -n netlab-default-router link delete p-client",
    ]
