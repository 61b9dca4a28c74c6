"""Effects: watch packets. The only watcher."""
