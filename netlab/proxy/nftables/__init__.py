"""kube-proxy's nftables mode: one table ``kube-proxy`` for each address family."""

from netlab.proxy.nftables.compile import compile_table, compile_text

__all__ = ["compile_table", "compile_text"]
