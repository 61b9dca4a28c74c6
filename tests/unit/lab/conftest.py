"""A topology of two nodes."""

import pytest

from netlab.model.topology import Topology
from tests.unit.topology_samples import topology_of

NODES = ", ".join(
    f"{{labels: {{topology.kubernetes.io/zone: zone-{number}}}}}" for number in (1, 2)
)


@pytest.fixture
def topology() -> Topology:
    return topology_of(f"{{nodes: [{NODES}]}}")
