"""Programs that run inside pods; they import nothing of netlab."""
