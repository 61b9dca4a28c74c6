"""A lab of two nodes and a client."""

from ipaddress import ip_address

import pytest

from netlab.model.pods import PodPlacement
from netlab.model.topology import Topology
from tests.unit.topology_samples import topology_of


@pytest.fixture
def topology() -> Topology:
    return topology_of("{nodes: 2}")


@pytest.fixture
def pod() -> PodPlacement:
    return PodPlacement(
        namespace="default", name="web-1", node="node1", addresses=(ip_address("10.244.1.2"),)
    )
