"""A Kubernetes Service network in one Linux kernel, with every packet in view."""

__version__ = "0.1.0"
