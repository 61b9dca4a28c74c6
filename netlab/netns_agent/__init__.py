"""The process that works inside a lab's namespaces, and how it is asked to."""
