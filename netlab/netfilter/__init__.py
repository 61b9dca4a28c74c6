"""Rules of iptables and nftables as values, and what they do with a packet."""
