"""Evidence to the path a packet took."""
