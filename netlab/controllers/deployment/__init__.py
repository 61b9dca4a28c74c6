"""Deployments: ReplicaSets, rolling updates, and what status says of them."""
