"""Text to model: every problem at once, each with file, line and path."""
