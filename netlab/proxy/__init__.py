"""Services and endpoints to the rules kube-proxy lays on a node."""
