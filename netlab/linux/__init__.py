"""The kernel's calls and formats, once, without policy."""
