"""nftables as values: tables, their text, and how to reach one table from another."""
