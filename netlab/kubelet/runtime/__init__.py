"""The container runtime: starts containers from a warm parent, and learns how they end."""
