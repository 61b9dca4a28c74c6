"""kube-proxy of every node: rules kept, and kube-proxy's ports served."""
