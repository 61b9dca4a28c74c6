"""A matrix of calls as tables, a heat map, a page, or JSON."""
