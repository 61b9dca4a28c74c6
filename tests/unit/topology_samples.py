"""Topologies for tests, as their users write them."""

from netlab.model.topology import Topology
from netlab.topology.parse import parse_topology


def topology_of(spec: str) -> Topology:
    """Return the topology of a ``spec`` in YAML."""
    text = f"apiVersion: netlab/v1\nkind: Topology\nspec: {spec}\n"
    return parse_topology(text, "lab.yaml").topology
