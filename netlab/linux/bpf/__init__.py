"""eBPF without a compiler: programs assembled here, by the types of the running kernel."""
