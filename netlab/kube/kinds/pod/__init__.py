"""Pods: what they must be, and what their status says."""
