"""iptables as values: rules, their text, and how to reach one ruleset from another."""
