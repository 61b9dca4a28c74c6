"""The kinds of the API, one module or folder each."""
