"""What a kernel tells of packets, one module a source. The only watcher."""
