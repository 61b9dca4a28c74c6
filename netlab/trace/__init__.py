"""Evidence to the path that a packet took."""
