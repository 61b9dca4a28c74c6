"""exec, attach, port-forward and logs, as the kubelet's streaming server has them."""
