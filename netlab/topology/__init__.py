"""A topology file to a Topology, with every problem at once."""
