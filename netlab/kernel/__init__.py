"""Effects: change the kernel and read it back. The only writer."""
