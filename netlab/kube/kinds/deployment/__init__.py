"""Deployments: what they must be."""
