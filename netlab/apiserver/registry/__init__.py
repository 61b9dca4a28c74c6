"""What every write passes: defaults, checks, allocation, and how objects are deleted."""
