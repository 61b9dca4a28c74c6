"""The container runtime: starts containers from a zygote, and learns how they end."""
