"""The control plane of one lab: its process, and the wiring of its agents."""
