"""What every write through the API passes: defaults, checks, allocation."""
