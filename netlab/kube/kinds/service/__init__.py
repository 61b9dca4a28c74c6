"""Services: what they must be, and their typed view."""
