"""A trace while it is made: the sources that are heard, and the connections under watch."""
