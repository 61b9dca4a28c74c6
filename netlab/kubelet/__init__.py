"""The kubelet of every node: Pod objects to processes, and their state back into the objects."""
