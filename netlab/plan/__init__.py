"""Desired state, and the operations that reach it, as values."""
