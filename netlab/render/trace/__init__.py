"""A trace as a tree, a picture, a page, a diagram, or JSON."""
