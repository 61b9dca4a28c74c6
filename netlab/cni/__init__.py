"""Topology to links, addresses and routes."""
