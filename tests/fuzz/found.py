"""What a fuzz target raises."""


class FoundError(AssertionError):
    """A law does not hold; the message has the input."""
