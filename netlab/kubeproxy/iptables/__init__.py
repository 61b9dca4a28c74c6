"""kube-proxy's iptables mode: chains in the tables ``nat`` and ``filter``."""
