"""kube-proxy's nftables mode: one table ``kube-proxy`` for each address family."""
