"""kube-proxy: Services and their endpoints to the rules of every node, kept in the kernel."""
