"""The Kubernetes API server of a lab."""
