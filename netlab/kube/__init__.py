"""Kubernetes objects as values: what each kind is, and the forms they travel in."""
